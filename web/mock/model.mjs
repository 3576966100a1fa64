// A small inventory in memory: resources, edges, alerts and a numbered log of
// changes, all made from a fixed seed so that every run is alike.
import { classes } from './classes.mjs';
import { lastSample } from './charts.mjs';
import { changed as changedAttribute } from './history.mjs';

const rank = { ok: 0, info: 1, warning: 2, error: 3 };
export const severities = ['ok', 'info', 'warning', 'error'];
const iec = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function bytesText(n) {
  let i = 0;
  while (n >= 1023.95 && i < 6) {
    n /= 1024;
    i++;
  }
  return i === 0 ? `${n} B` : `${n.toFixed(1)} ${iec[i]}`;
}

export function makeModel({ disks = 240, fed = 0, now = Date.now(), empty = false } = {}) {
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const resources = new Map();
  const alerts = [];
  // How resources changed, in any order.
  const past = [];
  const listeners = new Set();
  const log = [];
  let nextID = 1;
  let nextAlert = 1;
  let seq = 100;
  const classOf = new Map(classes.map((c) => [c.full, c]));
  const happened = (r, when, item) => past.push({ time: when, kind: 'changed', resource: r.id, ...item });
  const keptSince = new Date(now - 86400_000 * 2).toISOString();
  const time = (ago) => new Date(now - ago * 1000).toISOString();

  function publish(event, data) {
    seq++;
    const entry = { id: String(seq), event, data: { seq, ...data } };
    log.push(entry);
    if (log.length > 500) log.shift();
    for (const l of listeners) l(entry);
  }

  function add(full, label, values, parents = [], root = null) {
    const c = classOf.get(full);
    const id = nextID++;
    const r = {
      id,
      class: c,
      label,
      alias: null,
      values: {},
      parents: parents.map((p) => p.id).sort((a, b) => a - b),
      children: [],
      root: root?.id ?? id,
      stats: {},
      firstSeen: time(86400 * 3),
      updated: time(3600),
      session: undefined,
      stale: false,
    };
    for (const a of c.attributes) r.values[a.name] = values[a.name] ?? null;
    for (const p of parents) p.children.push(id);
    resources.set(id, r);
    return r;
  }

  function raise(r, condition, severity, message, ago) {
    const a = {
      id: nextAlert++,
      resource: r.id,
      plugin: r.class.plugin,
      class: r.class.name,
      condition,
      attribute: condition === 'offline' ? '' : condition,
      severity,
      message,
      text: `${message} (${r.class.label}, ${name(r)})`,
      resource_name: name(r),
      ...root(r),
      active: true,
      began: time(ago),
      ended: null,
      acknowledged: null,
    };
    alerts.push(a);
    return a;
  }

  const name = (r) => r.alias ?? r.label;
  const root = (r) => (r.root !== r.id && resources.has(r.root) ? { root: name(resources.get(r.root)) } : {});
  const own = (r) => alerts.filter((a) => a.active && a.resource === r.id).sort((a, b) => rank[b.severity] - rank[a.severity]);

  function walk(start, dir) {
    const steps = [{ r: start, via: 0, depth: 0 }];
    const seen = new Map([[start.id, steps[0]]]);
    for (const s of steps) {
      for (const id of dir === 'up' ? s.r.parents : s.r.children) {
        if (seen.has(id) || !resources.has(id)) continue;
        const step = { r: resources.get(id), via: s.r.id, depth: s.depth + 1 };
        seen.set(id, step);
        steps.push(step);
      }
    }
    const path = (step) => {
      const p = [];
      for (let s = step; s; s = seen.get(s.via)) p.unshift(s.r.id);
      return p;
    };
    return { steps, path };
  }

  // The alerted resources spread to their descendants; made anew when asked
  // for after a change.
  let healthCache = null;
  function health() {
    if (healthCache) return healthCache;
    healthCache = new Map();
    for (const a of alerts) {
      if (!a.active) continue;
      for (const s of walk(resources.get(a.resource), 'down').steps) {
        const h = healthCache.get(s.r.id) ?? 'ok';
        if (rank[a.severity] > rank[h]) healthCache.set(s.r.id, a.severity);
      }
    }
    return healthCache;
  }
  const healthOf = (r) => health().get(r.id) ?? 'ok';

  /** How a file system or a volume stands. */
  function standing(r) {
    if (rank[healthOf(r)] < rank.warning) return 'fine';
    const causes = (x) => own(x).filter(mayCause);
    const failed = (x) => causes(x).some((a) => a.severity === 'error');
    const parents = r.parents.map((id) => resources.get(id));
    if (failed(r) || (parents.length > 0 && parents.every(failed))) return 'down';
    return [r, ...parents].some((x) => causes(x).length > 0) ? 'degraded' : 'at_risk';
  }

  function attributeValue(a, value) {
    let text = value === null ? '' : String(value);
    if (value !== null && a.kind === 'bytes') text = bytesText(value);
    if (value !== null && a.kind === 'boolean') text = value ? 'yes' : 'no';
    if (value !== null && a.kind === 'reference') text = resources.has(value) ? name(resources.get(value)) : '';
    return { kind: a.kind, label: a.label, value, text, ...(a.hidden ? { hidden: true } : {}) };
  }
  const summary = ({ id, resource, resource_name, root: of, severity, condition, message, text, began, acknowledged }) => ({
    id, resource, resource_name, ...(of && { root: of }), severity, condition, message, text, began, acknowledged: acknowledged !== null,
  });

  function encode(r) {
    const ancestors = walk(r, 'up').steps.slice(1);
    const inherited = ancestors.flatMap((s) => own(s.r)).sort((a, b) => rank[b.severity] - rank[a.severity]);
    const attributes = {};
    for (const a of r.class.attributes) if (a.kind !== 'password') attributes[a.name] = attributeValue(a, r.values[a.name]);
    const statistics = {};
    for (const s of r.class.statistics) {
      statistics[s.name] = { kind: s.kind, label: s.label, unit: s.unit, value: null, ...latest(r, s) };
    }
    return {
      id: r.id,
      plugin: r.class.plugin,
      class: r.class.name,
      bases: r.class.bases,
      label: r.label,
      alias: r.alias,
      name: name(r),
      identifier: Object.fromEntries(r.class.identifier.attributes.map((n) => [n, r.values[n]])),
      scope: r.root,
      reported_by: [r.root],
      attributes,
      statistics,
      health: healthOf(r),
      ...(r.class.name === 'FileSystem' && { standing: standing(r) }),
      own_alerts: own(r).map(summary),
      inherited_alerts: inherited.slice(0, 100).map(summary),
      ...(inherited.length > 100 ? { inherited_alerts_count: inherited.length } : {}),
      parents: r.parents,
      children_count: r.children.length,
      stale: r.stale,
      deletable: r.class.scannable,
      first_seen: r.firstSeen,
      updated: r.updated,
      ...(r.session ? { session: r.session } : {}),
    };
  }

  const latest = (r, s) => lastSample(s, r.id, r.stats[s.name]);

  const node = (s, sign = 1) => ({
    id: s.r.id,
    plugin: s.r.class.plugin,
    class: s.r.class.name,
    bases: s.r.class.bases,
    name: name(s.r),
    health: healthOf(s.r),
    stale: s.r.stale,
    depth: s.depth * sign || 0,
  });
  const ref = (r) => ({ id: r.id, plugin: r.class.plugin, class: r.class.name, name: name(r), ...root(r) });
  const count = (list) => {
    const out = {};
    for (const r of list) out[r.class.full] = (out[r.class.full] ?? 0) + 1;
    return out;
  };

  function encodeAlert(a) {
    const down = a.active ? walk(resources.get(a.resource), 'down').steps.slice(1).map((s) => s.r) : [];
    return { ...a, affected: { counts: count(down), filesystems: down.filter((r) => r.class.name === 'FileSystem').map(ref) } };
  }

  // Incidents: what is sick without a sick ancestor.
  const mayCause = (a) => a.active && rank[a.severity] >= rank.warning;
  function incident(r, list = false) {
    const causes = own(r);
    if (!causes.some(mayCause) || walk(r, 'up').steps.slice(1).some((s) => own(s.r).some(mayCause))) return undefined;
    const below = walk(r, 'down').steps.slice(1).map((s) => s.r);
    const effects = below.flatMap(own).sort((a, b) => rank[b.severity] - rank[a.severity]);
    const by = (s) => effects.filter((a) => a.severity === s).length;
    const byClass = {};
    for (const a of effects) byClass[`${a.plugin}.${a.class}`] = (byClass[`${a.plugin}.${a.class}`] ?? 0) + 1;
    return {
      id: r.id,
      resource: ref(r),
      severity: [...causes, ...effects].reduce((w, a) => (rank[a.severity] > rank[w] ? a.severity : w), 'info'),
      began: causes.map((a) => a.began).sort()[0],
      acknowledged: causes.every((a) => a.acknowledged !== null),
      causes: causes.map(summary),
      effects: { total: effects.length, by_severity: { info: by('info'), warning: by('warning'), error: by('error') }, by_class: byClass, ...(list ? { items: effects.map(summary) } : {}) },
      affected: { counts: count(below), filesystems: below.filter((x) => x.class.name === 'FileSystem').map(ref) },
      volumes: below.filter((x) => x.class.bases.includes('LogicalDrive')).length,
    };
  }
  function incidents() {
    const sick = new Set(alerts.filter(mayCause).map((a) => a.resource));
    return [...sick].map((id) => incident(resources.get(id))).filter(Boolean).sort((a, b) => rank[b.severity] - rank[a.severity] || a.began.localeCompare(b.began));
  }

  /** As the server does, but one alert is one cause, and nobody is sick for two reasons. */
  function endedIncidents() {
    const sick = alerts.filter((a) => rank[a.severity] >= rank.warning);
    const overlap = (a, b) => (a.ended === null || a.ended >= b.began) && (b.ended === null || b.ended >= a.began);
    const above = (a) => {
      const r = resources.get(a.resource);
      const ids = new Set(r ? walk(r, 'up').steps.map((s) => s.r.id) : []);
      ids.delete(a.resource);
      return sick.filter((b) => ids.has(b.resource) && overlap(a, b));
    };
    const causes = new Map(sick.map((a) => [a, { alert: a, effects: 0, explained: above(a).length > 0 }]));
    for (const a of alerts) for (const b of above(a)) causes.get(b).effects++;
    return [...causes.values()]
      .filter((c) => c.alert.ended !== null && !c.explained)
      .sort((a, b) => b.alert.ended.localeCompare(a.alert.ended))
      .map(({ alert: a, effects }) => ({ id: a.resource, name: a.resource_name, plugin: a.plugin, class: a.class, gone: !resources.has(a.resource), severity: a.severity, began: a.began, ended: a.ended, causes: [summary(a)], effects }));
  }

  function acknowledge(ids, user, comment) {
    const now = new Date().toISOString();
    const changed = alerts.filter((a) => a.active && ids.includes(a.id));
    for (const a of changed) a.acknowledged = comment === undefined ? null : { user, comment, time: now };
    change({ changed });
    return { count: changed.length, ids: changed.map((a) => a.id) };
  }

  // One way for all changes: the model changes, then subscribers are told.
  function change({ updated = [], created = [], deleted = [], changed = [] }) {
    healthCache = null;
    if (updated.length + created.length + deleted.length > 0) {
      publish('resources', { time: new Date().toISOString(), root: 0, created: created.map(ref), updated, deleted: deleted.map(ref) });
    }
    if (changed.length > 0) publish('alerts', { items: changed.map(encodeAlert) });
  }

  function setAttribute(r, attr, value) {
    const a = r.class.attributes.find((x) => x.name === attr);
    const was = attributeValue(a, r.values[attr]);
    r.values[attr] = value;
    r.updated = new Date().toISOString();
    const { value: v, text } = attributeValue(a, value);
    happened(r, r.updated, { attributes: [changedAttribute(a, was, { value: v, text })] });
    const changed = [];
    for (const c of r.class.conditions.filter((x) => x.kind === 'value' && x.attribute === attr)) {
      for (const severity of ['info', 'warning', 'error']) {
        const holds = c.states[severity]?.includes(value) ?? false;
        const active = alerts.find((x) => x.active && x.resource === r.id && x.condition === c.name && x.severity === severity);
        if (holds && !active) {
          const alert = raise(r, c.name, severity, c.message, 0);
          alert.began = new Date().toISOString();
          changed.push(alert);
        } else if (!holds && active) {
          active.active = false;
          active.ended = new Date().toISOString();
          changed.push(active);
        }
      }
    }
    change({ updated: [{ id: r.id, plugin: r.class.plugin, class: r.class.name, attributes: { [attr]: { value: v, text } } }], changed });
  }

  function remove(root) {
    const gone = [...resources.values()].filter((r) => r.root === root.id);
    for (const r of gone) {
      happened(r, new Date().toISOString(), { kind: 'deleted', ref: ref(r) });
      resources.delete(r.id);
      for (const other of resources.values()) {
        other.parents = other.parents.filter((id) => id !== r.id);
        other.children = other.children.filter((id) => id !== r.id);
      }
    }
    for (let i = alerts.length - 1; i >= 0; i--) if (gone.some((r) => r.id === alerts[i].resource)) alerts.splice(i, 1);
    change({ deleted: gone });
  }

  if (!empty) fill();

  function fill() {
    const array = add('acme.Array', 'Acme array 10.1.0.20', {
      address: '10.1.0.20', port: 8080, user: 'monitor', protocol: 'https', verify_tls: true, site: 'Hall 2', firmware: '8.4.1',
    });
    array.session = { state: 'live', error: '', last_contact: time(4), incomplete: [] };
    const controllers = ['A', 'B'].map((slot, i) =>
      add('acme.Controller', `Controller AC-77${i}1`, { serial: `AC-77${i}1`, slot, status: 'OK', cache: 64 * 2 ** 30 }, [], array),
    );
    const per = 40;
    const pools = [];
    for (let e = 0; e * per < disks; e++) {
      const enclosure = add('acme.Enclosure', `Enclosure ${e}`, { index: e, serial: `EN-${4400 + e}`, bays: per, status: 'OK' }, [], array);
      for (let f = 0; f < 4; f++) {
        const fan = add('acme.Fan', `Fan Enclosure ${e} ${f}`, { enclosure: enclosure.id, index: f, status: 'OK' }, [], array);
        fan.children.push(enclosure.id);
        enclosure.parents.push(fan.id);
        if (e === 2 && f === 1) {
          fan.values.status = 'FAILED';
          raise(fan, 'status', 'warning', 'Fan failure', 5400);
        }
      }
      const bay = [];
      for (let d = 0; d < per && e * per + d < disks; d++) {
        const serial = `WD${(e * per + d + 91000).toString(36).toUpperCase()}${Math.floor(random() * 9000 + 1000)}`;
        const disk = add('acme.Disk', `Disk ${serial}`, {
          serial, enclosure: enclosure.id, slot: d, model: d % 3 ? 'WUH721816AL5204' : 'ST16000NM004J', capacity: 16_000_900_661_248,
          status: 'OK', firmware: 'C8C4', spare: d === per - 1,
        }, [enclosure], array);
        bay.push(disk);
      }
      for (let p = 0; p < 4; p++) {
        const members = bay.slice(p * 10, p * 10 + 10);
        if (members.length === 0) break;
        const pname = `p${e}${p}`;
        const capacity = members.length * 14 * 2 ** 40;
        const pool = add('acme.Pool', `RAID pool ${pname}`, {
          name: pname, raid_level: 'RAID6', capacity, used: Math.round(capacity * random()), status: 'OK',
        }, members, array);
        pools.push(pool);
        for (let l = 0; l < 2; l++) {
          const wwid = `6001405${(pool.id * 2 + l).toString(16).padStart(9, '0')}`;
          add('acme.Lun', `LUN ${wwid}`, { wwid, pool: pool.id, size: 40 * 2 ** 40, preferred: controllers[l].id }, [pool, controllers[l]].sort((a, b) => a.id - b.id), array);
        }
      }
    }
    const luns = [...resources.values()].filter((r) => r.class.name === 'Lun');
    const half = Math.ceil(luns.length / 2);
    ['scratch', 'home'].forEach((fsname, i) => {
      const targets = luns.slice(i * half, i * half + half).map((lun, t) =>
        add('lustre.Target', `${fsname}-OST${t.toString(16).padStart(4, '0')}`, { name: `${fsname}-OST${t.toString(16).padStart(4, '0')}`, size: 40 * 2 ** 40 }, [lun], array),
      );
      add('lustre.FileSystem', `File system ${fsname}`, { name: fsname, size: targets.length * 40 * 2 ** 40 }, targets, array);
    });
    const failed = [...resources.values()].filter((r) => r.class.name === 'Disk')[13];
    failed.values.status = 'FAILED';
    failed.stats.temperature = 61;
    raise(failed, 'status', 'error', 'Disk failure', 2700);
    raise(failed, 'temperature', 'warning', 'High temperature', 3100);
    const pool = resources.get(failed.children[0]);
    pool.values.status = 'DEGRADED';
    raise(pool, 'status', 'warning', 'Pool is degraded', 2690);
    const rebuilding = [...resources.values()].filter((r) => r.class.name === 'Disk')[Math.min(disks - 1, 150)];
    rebuilding.values.status = 'REBUILDING';
    raise(rebuilding, 'status', 'info', 'Disk is rebuilding', 800);
    const changes = (r, ago, ...attrs) =>
      happened(r, time(ago), {
        root: array.id,
        attributes: attrs.map(([attr, was]) => {
          const a = r.class.attributes.find((x) => x.name === attr);
          return changedAttribute(a, attributeValue(a, was), attributeValue(a, r.values[attr]));
        }),
      });
    changes(failed, 2701, ['status', 'OK']);
    changes(failed, 9000, ['firmware', 'A10']);
    for (let i = 0; i < 9; i++) {
      const [from, to] = i % 2 ? ['REBUILDING', 'OK'] : ['OK', 'REBUILDING'];
      const status = failed.class.attributes.find((x) => x.name === 'status');
      happened(failed, time(100_000 - i * 600), { root: array.id, attributes: [changedAttribute(status, attributeValue(status, from), attributeValue(status, to))] });
    }
    const link = (r) => ({ id: r.id, plugin: r.class.plugin, class: r.class.name, name: name(r) });
    happened(failed, time(12_000), {
      root: array.id,
      parents: { added: [link(resources.get(failed.parents[0]))], removed: [{ id: 9_999, plugin: 'acme', class: 'Enclosure', name: 'Enclosure 77', gone: true }], added_count: 1, removed_count: 1 },
    });
    changes(pool, 2695, ['status', 'OK']);
    for (let i = 0; i < 30; i++) {
      const fan = [...resources.values()].filter((r) => r.class.name === 'Fan')[i % 8];
      const old = raise(fan, 'status', i % 4 ? 'warning' : 'error', 'Fan failure', 86400 * 2 - i * 3000);
      old.active = false;
      old.ended = time(86400 * 2 - i * 3000 - 900);
    }
    // One power feed above so many disks, of which one has failed.
    if (fed > 0) {
      const feed = add('acme.Fan', 'Power feed', { enclosure: null, index: 900, status: 'FAILED' }, [], array);
      raise(feed, 'status', 'warning', 'Fan failure', 60);
      const shelves = Array.from({ length: Math.ceil(fed / 80) }, (_, i) => add('acme.Enclosure', `Shelf ${i}`, { index: 1000 + i, serial: `SH-${i}`, bays: 80, status: 'OK' }, [feed], array));
      for (let i = 0; i < fed; i++) {
        const shelf = shelves[Math.floor(i / 80)];
        add('acme.Disk', `Disk L${i}`, { serial: `L${i}`, enclosure: shelf.id, slot: i % 80, model: 'ST18000NM004J', capacity: 18e12, status: 'OK', firmware: 'E4', spare: false }, [shelf], array);
      }
    }
    [['bmc-17.example.net', 'live'], ['bmc-18.example.net', 'offline']].forEach(([host, state], i) => {
      const service = add('redfish.Service', `Redfish service https://${host}`, { url: `https://${host}`, user: 'operator', verify_tls: true });
      const dead = state === 'offline';
      service.session = dead
        ? { state, error: `Get "https://${host}/redfish/v1/": dial tcp: connect: connection refused`, last_contact: time(1900), next_try: new Date(now + 64_000).toISOString(), incomplete: [] }
        : { state, error: '', last_contact: time(9), incomplete: ['/redfish/v1/Chassis/Blade3: 500 Internal Server Error'] };
      if (dead) raise(service, 'offline', 'warning', 'Cannot be reached: connection refused', 1880);
      const chassis = add('redfish.Chassis', `Chassis Node ${i + 17}`, {
        uri: '/redfish/v1/Chassis/1', name: `Node ${i + 17}`, model: 'SYS-2029', uuid: `30303437-3034-4d32-3230-3131344b0${i}17`,
      }, [], service);
      chassis.stale = dead;
      for (let d = 0; d < 6; d++) {
        const drive = add('redfish.Drive', `Drive S4NF${i}${d}`, {
          serial: `S4NF${i}${d}`, chassis: chassis.id, model: d < 5 ? 'PM1733' : null, capacity: d < 5 ? 3_840_755_982_336 : null, life_left: 97.5 - d,
        }, [chassis], service);
        drive.stale = dead;
      }
    });
  }

  return {
    resources, alerts, past, keptSince, log, listeners, classOf,
    acknowledge, add, change, classes, count, encode, encodeAlert, endedIncidents, health, healthOf, incident, incidents, latest, mayCause, name, node, own, publish, raise, ref, remove, setAttribute, standing, summary, walk,
    attributeValue,
    seq: () => seq,
    rank,
  };
}
