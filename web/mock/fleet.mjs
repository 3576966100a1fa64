// The hosts of the mock, the volumes that they reach, and the installation of
// agents, over the inventory of model.mjs.
import { Problem } from './problem.mjs';

const pairs = [
  ['oss1.example.net', 'oss2.example.net'],
  ['oss3.example.net', 'oss4.example.net'],
];

export function makeFleet(model, { empty = false } = {}) {
  const hosts = new Map(); // by name
  const volumes = new Map(); // by the ID of their drive
  const installations = new Map();
  const clusters = empty ? [] : pairs.map((members, i) => ({ name: `pair-${i + 1}`, source: i === 0 ? 'found' : 'user', hosts: members, members, missing: [], problems: {} }));
  const clusterOf = (host) => clusters.find((c) => c.members.includes(host))?.name;
  const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

  function addHost(name, state, more = {}) {
    const resource = model.add('faultline.Host', `Host ${name}`, { fqdn: name, state });
    const host = { resource, name, state, address: `10.4.0.${hosts.size + 11}`, agent_version: '0.9.2', booted: ago(86400 * 40), plugins: [], ...more };
    hosts.set(name, host);
    return host;
  }

  function addPlugin(host, name, session) {
    const root = model.add('faultline.HostPlugin', `Agent plugin of a host ${host.resource.id} ${name}`, { host_id: host.resource.id, plugin: name });
    root.session = { state: session, error: '', last_contact: ago(session === 'live' ? 4 : 5400), incomplete: [] };
    const plugin = { name, session, root };
    host.plugins.push(plugin);
    return plugin;
  }

  function addNode(host, drive, path, weight) {
    const root = host.plugins[0].root;
    const r = model.add('linux.LinuxDeviceNode', path, { path, host_id: host.resource.id, size: drive.values.size }, [drive], root);
    r.stale = host.state !== 'connected';
    return { r, host: host.name, weight };
  }

  function addVolume(drive, kind, names, { weights, decided, filesystem_type = '' } = {}) {
    const id = drive.values.wwid ?? drive.values.serial;
    const nodes = names.map((n, i) => addNode(hosts.get(n), drive, `/dev/mapper/3${id}`, weights?.[i]));
    volumes.set(drive.id, { drive, kind, nodes, decided: decided ?? {}, unused: [], filesystem_type });
  }

  if (!empty) {
    for (const names of pairs) for (const name of names) {
      const h = addHost(name, 'connected');
      const linux = addPlugin(h, 'linux', 'live');
      addPlugin(h, 'lustre', 'live');
      for (const [mount, device] of [['/', '/dev/sda2'], ['/var', '/dev/sda3']]) model.add('linux.LocalMount', mount, { mount_point: mount, device, filesystem_type: 'xfs' }, [h.resource], linux.root);
    }
    const lost = addHost('mds1.example.net', 'lost', { advice: 'see whether the machine runs and reaches the server, and what its agent says: journalctl -u faultline-agent', contact: ago(5400), agent_version: '0.9.1' });
    addPlugin(lost, 'linux', 'offline');
    model.raise(lost.resource, 'contact_lost', 'error', 'Contact lost: nothing was heard of it since this morning', 5300);
    addHost('vm7.example.net', 'awaiting', { advice: 'no agent has come from there: install it, faultline add host vm7.example.net', agent_version: undefined, booted: undefined, contact: null, address: undefined });

    const all = [...model.resources.values()];
    all.filter((r) => r.class.name === 'Lun').forEach((lun, i) => addVolume(lun, 'LUN', pairs[i % 2], { filesystem_type: 'ldiskfs' }));
    const drive = (n, size) => model.add('linux.ScsiDevice', `spare-${n}`, { serial: `600508b4000${n}c0de`, size }, [], hosts.get('oss1.example.net').plugins[0].root);
    addVolume(drive(1, 12 * 2 ** 40), 'SCSI device', pairs[0], { weights: [20, 10] });
    addVolume(drive(2, 12 * 2 ** 40), 'SCSI device', pairs[0]);
    addVolume(drive(3, 8 * 2 ** 40), 'SCSI device', pairs[0], { decided: { primary: 'oss2.example.net', by: 'eva', time: ago(90_000) } });
    addVolume(drive(4, 960 * 2 ** 30), 'SCSI device', ['oss1.example.net']);
    addVolume(drive(5, 960 * 2 ** 30), 'SCSI device', ['oss1.example.net', 'oss3.example.net'], { filesystem_type: 'xfs' });
  }

  /** Chooses the hosts of a volume, as the server does, but simpler. */
  function choose(v) {
    const reach = [...new Set(v.nodes.map((n) => n.host))];
    const wanted = reach.filter((h) => !v.unused.includes(h));
    const node = (host) => v.nodes.find((n) => n.host === host)?.r.id;
    const used = v.drive.children.some((id) => model.resources.get(id)?.class.name === 'Target');
    const pick = (role, from, otherwise) => {
      const by = v.decided[role];
      if (by === 'none') return { ground: 'user', why: `a user wants none: ${v.decided.by}` };
      if (by) return { host: by, node: node(by), ground: 'user', why: `a user chose it: ${v.decided.by}` };
      return from.length === 0 ? { why: otherwise } : from[0];
    };
    let primaries = [];
    const best = v.nodes.every((n) => n.weight !== undefined) ? [...v.nodes].sort((a, b) => b.weight - a.weight)[0].host : undefined;
    const clustered = wanted.every((h) => clusterOf(h) === clusterOf(wanted[0]));
    const first = best && wanted.includes(best) ? best : wanted[v.drive.id % wanted.length];
    if (wanted.length > 0 && clustered) {
      const [ground, why] = used
        ? ['target', 'what lies on the volume is there']
        : best
          ? ['weight', `its path has the greatest weight: ${v.nodes.map((n) => `${n.host} ${n.weight}`).join(', ')}`]
          : wanted.length === 1
            ? ['only', 'no other host reaches the volume']
            : ['balance', `it was the primary of the fewest other volumes, ${v.drive.id % 7}`];
      primaries = [{ host: first, node: node(first), ground, why }];
    }
    const primary = pick('primary', primaries, wanted.length === 0 ? 'of the hosts that reach the volume, users want none for it' : 'the hosts that reach the volume are in no HA cluster together');
    const rest = wanted.filter((h) => h !== primary.host && clusterOf(h) === clusterOf(primary.host));
    const secondaries = primary.host ? rest.map((h) => ({ host: h, node: node(h), ground: 'only', why: `no other host of the HA cluster ${clusterOf(h)} reaches the volume` })) : [];
    return { primary, secondary: pick('secondary', secondaries, primary.host ? 'no other host reaches the volume' : 'there is no primary'), used };
  }

  function encodeVolume(v, whole = false) {
    const { primary, secondary } = choose(v);
    const health = model.healthOf(v.drive);
    const state = { ok: 'fine', info: 'at_risk', warning: 'at_risk', error: 'degraded' }[health];
    const causes = model.walk(v.drive, 'up').steps.flatMap((s) => model.own(s.r));
    const role = (host) => (host === primary.host ? 'primary' : host === secondary.host ? 'secondary' : 'unused');
    const usedBy = v.drive.children.map((id) => model.resources.get(id)).filter((r) => r?.class.name === 'Target');
    const decided = ['primary', 'secondary'].some((f) => v.decided[f]) || v.unused.length > 0;
    const out = {
      id: v.drive.id, name: model.name(v.drive), label: v.drive.label, plugin: v.drive.class.plugin, class: v.drive.class.name, kind: v.kind,
      size: v.drive.values.size, size_text: model.attributeValue({ kind: 'bytes' }, v.drive.values.size).text, filesystem_type: v.filesystem_type,
      state, state_why: causes.length > 0 ? `${causes[0].message} (${causes[0].resource_name})` : '', health,
      ha: primary.host && secondary.host ? 'ha' : primary.host ? 'no-ha' : 'unconfigured', usable: usedBy.length === 0 && primary.host !== undefined,
      used_by: usedBy.map(model.ref), detached: false, primary, secondary, unused: v.unused,
      nodes: v.nodes.map((n) => ({
        id: n.r.id, host: n.host, host_id: hosts.get(n.host).resource.id, path: n.r.values.path, role: role(n.host), health: model.healthOf(n.r), stale: n.r.stale,
        ...(n.weight === undefined ? {} : { weight: n.weight }),
      })),
      ...(decided ? { decided: { ...v.decided } } : {}),
    };
    if (whole) {
      out.candidates = [...new Set(v.nodes.map((n) => n.host))].map((h, i) => ({
        host: h, host_id: hosts.get(h).resource.id, role: role(h), primaries: 11 + i, in_use: 24, ...(clusterOf(h) ? { cluster: clusterOf(h) } : {}),
        ...(v.nodes[i].weight === undefined ? {} : { weight: v.nodes[i].weight }),
      }));
    }
    return out;
  }

  function findVolume(id) {
    const v = volumes.get(Number(id));
    if (!v) throw new Problem(404, model.resources.has(Number(id)) ? `${id} is no logical drive, so it is no volume` : `there is no volume ${id}`);
    return v;
  }

  function listVolumes(query) {
    for (const k of query.keys()) {
      if (!['category', 'host', 'primary', 'filesystem', 'q', 'sort', 'limit', 'cursor'].includes(k)) throw new Problem(400, `There is no query parameter ${k}.`, k);
    }
    let items = [...volumes.values()].map((v) => encodeVolume(v));
    const is = (want, name) => name !== undefined && (want === name || want === String(hosts.get(name)?.resource.id));
    const category = query.get('category');
    if (category && !['unused', 'usable'].includes(category)) throw new Problem(400, `"${category}" is no category of volumes; there are unused and usable`, 'category');
    if (category) items = items.filter((v) => (category === 'usable' ? v.usable : v.used_by.length === 0));
    if (query.has('host')) items = items.filter((v) => v.nodes.some((n) => is(query.get('host'), n.host)));
    if (query.has('primary')) items = items.filter((v) => is(query.get('primary'), v.primary.host));
    if (query.has('filesystem')) {
      const fs = model.resources.get(Number(query.get('filesystem')));
      items = items.filter((v) => v.used_by.some((u) => fs?.parents.includes(u.id)));
    }
    if (query.has('q')) {
      const text = (v) => [v.name, v.kind, v.filesystem_type, ...v.nodes.flatMap((n) => [n.host, n.path])].join(' ').toLowerCase();
      items = items.filter((v) => text(v).includes(query.get('q').toLowerCase()));
    }
    const sort = query.get('sort') ?? 'name';
    const field = sort.replace(/^-/, '');
    const key = { name: (v) => v.name, id: (v) => v.id, kind: (v) => v.kind, size: (v) => v.size, filesystem_type: (v) => v.filesystem_type, primary: (v) => v.primary.host ?? '' }[field];
    if (!key) throw new Problem(400, `volumes cannot be sorted by "${field}"`, 'sort');
    items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.id - b.id) * (sort.startsWith('-') ? -1 : 1));
    return items;
  }

  function editVolume(id, body) {
    const v = findVolume(id);
    const field = Object.keys(body).find((k) => ['primary', 'secondary', 'unused'].includes(k));
    const { used, primary: now } = choose(v);
    const name = model.name(v.drive);
    if (used) throw new Problem(409, `volume ${name} is used, so its hosts stay as they are; take what lies on it away first`, field);
    const next = { ...v.decided };
    for (const f of ['primary', 'secondary']) {
      if (!(f in body)) continue;
      const host = body[f];
      if (host !== null && host !== 'none' && !v.nodes.some((n) => n.host === host)) throw new Problem(422, `${host} is no host that reaches volume ${name}`, f);
      next[f] = host ?? undefined;
    }
    const primary = next.primary ?? now.host;
    if (next.secondary && next.secondary !== 'none') {
      if (next.secondary === primary) throw new Problem(422, `volume ${name}: ${next.secondary} cannot be both the primary and the secondary; give two hosts, or none as the secondary`, 'secondary');
      if (!primary || clusterOf(primary) !== clusterOf(next.secondary)) throw new Problem(422, `volume ${name}: ${primary} and ${next.secondary} are not in one HA cluster; declare one that both are in`, 'secondary');
      next.primary ??= primary;
    }
    const unused = body.unused ?? v.unused;
    for (const f of ['primary', 'secondary']) if (unused.includes(next[f])) throw new Problem(422, `volume ${name}: ${next[f]} cannot be unused and the ${f}`, 'unused' in body ? 'unused' : f);
    Object.assign(v, { decided: { ...next, by: 'page', time: new Date().toISOString() }, unused });
    const out = encodeVolume(v, true);
    model.publish('volumes', { items: [encodeVolume(v)] });
    return out;
  }

  const reportedBy = (root) => [...model.resources.values()].filter((r) => r.root === root.id && r !== root);

  function encodeHost(h, whole = false) {
    const live = h.state === 'connected';
    const reach = [...volumes.values()].filter((v) => v.nodes.some((n) => n.host === h.name)).length;
    const its = h.plugins.map((p) => ({ p, list: reportedBy(p.root) }));
    const resources = [h.resource, ...its.flatMap((x) => x.list)];
    const alerts = { error: 0, warning: 0, info: 0 };
    for (const r of resources) for (const a of model.own(r)) alerts[a.severity]++;
    return {
      id: h.resource.id, name: h.name, state: h.state, address: h.address, agent_version: h.agent_version, booted: h.booted, volumes: reach, alerts,
      ...(live ? { last_contact: ago(3) } : h.contact ? { last_contact: h.contact } : {}),
      ...(h.advice ? { advice: h.advice } : {}),
      ...(h.installation ? { installation: h.installation } : {}),
      plugins: its.map(({ p, list }) => ({ name: p.name, session: p.session, root: p.root.id, resources: list.length })),
      ...(whole ? { reports: model.count(its.flatMap((x) => x.list)) } : {}),
    };
  }

  function findHost(id) {
    const h = [...hosts.values()].find((x) => x.resource.id === Number(id));
    if (!h) throw new Problem(404, `there is no host ${id}`);
    return h;
  }

  function removeHost(id) {
    const h = findHost(id);
    for (const v of volumes.values()) v.nodes = v.nodes.filter((n) => n.host !== h.name);
    for (const [key, v] of volumes) if (v.nodes.length === 0) volumes.delete(key);
    hosts.delete(h.name);
    for (const p of h.plugins) model.remove(p.root);
    model.remove(h.resource);
    model.publish('volumes', { bulk: true });
  }

  const plan = [
    ['connect', 'connect to root@ADDRESS and check its key', 'SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE'],
    ['look', 'look at the machine', 'linux amd64, systemd 252'],
    ['program', 'send the program to /usr/local/bin/faultline', '45 MB'],
    ['settings', 'write /etc/faultline/agent.yaml'],
    ['unit', 'write the unit faultline-agent.service'],
    ['register', 'register the host with a token that is good once'],
    ['start', 'start the agent and wait until it comes'],
  ];

  function install({ address, name, host_key: key, dry_run: dry }) {
    if (!address) throw new Problem(400, 'address is missing: the name or IP address of the machine', 'address');
    if (/\s/.test(address)) throw new Problem(400, `"${address}" is no name or IP address of a machine, with :PORT if need be`, 'address');
    if (key && !key.startsWith('SHA256:')) throw new Problem(400, `"${key}" is no fingerprint; it begins with SHA256:`, 'host_key');
    if (address === 'nokeys') throw new Problem(503, 'this server has no SSH credentials (ssh_key, or ssh_agent); set them, or run on the machine what `faultline host install-command` prints on the server');
    const id = `i${installations.size + 1}`;
    const host = name ?? address;
    const i = { id, address, host, dry_run: dry === true, state: 'running', began: new Date().toISOString(), steps: [] };
    installations.set(id, i);
    const refuses = address.startsWith('closed');
    const next = () => {
      const [step, text, detail] = plan[i.steps.length] ?? [];
      if (refuses && i.steps.length === 1) {
        Object.assign(i.steps[0], { state: 'failed', detail: 'connection refused' });
        Object.assign(i, { state: 'failed', error: `connect to ${address}:22: connection refused`, ended: new Date().toISOString() });
      } else if (!step) {
        Object.assign(i, { state: 'done', ended: new Date().toISOString() });
        if (!i.dry_run) {
          const h = addHost(host, 'connected', { installation: id });
          model.change({ created: [h.resource] });
        }
      } else {
        i.steps.push({ name: step, text: text.replace('ADDRESS', address), state: i.dry_run && i.steps.length > 1 ? 'planned' : 'done', ...(detail ? { detail } : {}) });
        setTimeout(next, 40).unref();
        return;
      }
    };
    setTimeout(next, 40).unref();
    return i;
  }

  function agentToken({ name, lifetime, uses, server }) {
    if (!name) throw new Problem(400, 'name is missing: what to call the token', 'name');
    const created = Date.now();
    const secret = `${'t'.repeat(26)}.${'f'.repeat(43)}`;
    return {
      token: { name, state: 'good', created: new Date(created).toISOString(), expires: new Date(created + lifetime * 1000).toISOString(), uses, used: 0 },
      secret, fingerprint: 'f'.repeat(43), server,
      register_command: `printf '%s\\n' '${secret}' | faultline agent register --server '${server}' --token-file -`,
      install_command: `(set -e; curl -fsSk -o faultline ${server}/…; printf '%s\\n' '${secret}' | ./faultline agent install --server '${server}' --token-file -)`,
    };
  }

  return {
    hosts, volumes, clusters, installations,
    listHosts: () => [...hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map((h) => encodeHost(h)),
    host: (id) => encodeHost(findHost(id), true),
    removeHost, install, agentToken, listVolumes, editVolume,
    hasVolume: (id) => volumes.has(id),
    volume: (id) => encodeVolume(findVolume(id), true),
    installation(id) {
      if (!installations.has(id)) throw new Problem(404, `there is no installation ${id}; one is known for a day after its end`);
      return installations.get(id);
    },
  };
}
