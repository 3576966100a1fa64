// A stand-in for the server, for work on the page and for its browser tests:
// the API of internal/api/openapi.yaml over the inventory of model.mjs.
//
//   node mock/server.mjs [--port 8700] [--disks 240] [--fed 0] [--empty] [--token T] [--fault SECONDS]
//
// It also serves dist, if that was built. POST /mock/set {"id","attribute",
// "value"} changes a resource, POST /mock/drop cuts the event streams.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { charts } from './charts.mjs';
import { makeFleet } from './fleet.mjs';
import { history } from './history.mjs';
import { layers } from './layers.mjs';
import { makeModel, severities } from './model.mjs';
import { makePlugins } from './plugins.mjs';
import { Problem } from './problem.mjs';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };

const titles = { 400: 'Bad request', 401: 'Unauthorized', 404: 'Not found', 409: 'Conflict', 422: 'Invalid value', 503: 'Service Unavailable' };

/** Starts the stand-in and returns its address, its model and how to stop it. */
export async function serve({ port = 0, disks = 240, fed = 0, empty = false, token = '' } = {}) {
  const model = makeModel({ disks, fed, empty });
  const fleet = makeFleet(model, { empty });
  const plugins = makePlugins({ empty });
  const streams = new Set();
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    handle(request, response, url).catch((err) => {
      const status = err instanceof Problem ? err.status : 500;
      if (status === 500) console.error(err);
      const body = { type: 'about:blank', title: titles[status] ?? 'Internal error', status, detail: err.message };
      if (err.field) body.field = err.field;
      response.writeHead(status, { 'Content-Type': 'application/problem+json' });
      response.end(JSON.stringify(body));
    });
  });

  async function handle(request, response, url) {
    if (url.pathname.startsWith('/mock/')) return control(request, response, url);
    if (!url.pathname.startsWith('/api/v1/')) return page(response, url);
    if (token && request.headers.authorization !== `Bearer ${token}`) {
      throw new Problem(401, 'This server needs a token: `faultline token create` makes one.');
    }
    const path = url.pathname.slice('/api/v1/'.length).split('/');
    if (path[0] === 'events') return events(request, response, url);
    const body = await answer(request, path.map(decodeURIComponent), url.searchParams);
    response.setHeader('Faultline-Position', String(model.seq()));
    if (typeof body === 'string') {
      response.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="resources.csv"' });
      response.end(body);
      return;
    }
    if (body === undefined) {
      response.writeHead(204);
      response.end();
      return;
    }
    response.writeHead(request.method === 'POST' && path[0] === 'resources' && path[1] !== 'test' ? 201 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  function find(id) {
    const r = model.resources.get(Number(id));
    if (!r) throw new Problem(404, `There is no resource ${id}.`);
    return r;
  }

  async function answer(request, [noun, id, part, other], query) {
    switch (noun) {
      case 'status':
        return status();
      case 'plugins':
        return plugins.act(request.method, id, part, query, ['POST', 'PATCH'].includes(request.method) && !part ? await json(request) : undefined);
      case 'hosts':
        if (request.method === 'POST') return fleet.install(await json(request));
        if (request.method === 'DELETE') return fleet.removeHost(id);
        return id ? fleet.host(id) : { items: fleet.listHosts() };
      case 'agent-tokens':
        return fleet.agentToken(await json(request));
      case 'installations':
        return fleet.installation(id);
      case 'clusters':
        return { items: fleet.clusters };
      case 'volumes':
        if (request.method === 'PATCH') return fleet.editVolume(id, await json(request));
        return id ? fleet.volume(id) : slice(fleet.listVolumes(query), query, (v) => v);
      case 'classes':
        return { items: model.classes.map((c) => ({ ...c, count: [...model.resources.values()].filter((r) => r.class === c).length })) };
      case 'alerts':
        if (id === 'acknowledge' || id === 'unacknowledge') {
          const { ids, comment } = await json(request);
          return model.acknowledge(ids, 'admin', id === 'acknowledge' ? comment : undefined);
        }
        return listAlerts(query);
      case 'search':
        return search(query);
      case 'standing':
        return { filesystems: standing((r) => r.class.name === 'FileSystem', true), volumes: standing(countsAsVolume, false) };
      case 'ended-incidents': {
        const { items, total } = slice(model.endedIncidents(), query, (i) => i);
        return { items, truncated: items.length < total };
      }
      case 'incidents': {
        if (id) {
          const found = model.incident(find(id), true);
          if (!found) throw new Problem(404, `Resource ${id} is no cause of an incident.`);
          return found;
        }
        const all = model.incidents();
        return { ...slice(all, query, (i) => i), incidents: all.length, alerts: all.reduce((n, i) => n + i.causes.length + i.effects.total, 0) };
      }
      case 'resources':
        if (id === 'test') return trial(await json(request));
        if (!id && query.get('format') === 'csv') return csv(query);
        if (!id) return request.method === 'POST' ? create(await json(request)) : list(query);
        if (part === 'history') return history(model, Number(id), query);
        if (part) return detail(find(id), part, query, other);
        if (request.method === 'PATCH') return edit(find(id), await json(request));
        if (request.method === 'DELETE') return drop(find(id));
        return model.encode(find(id));
    }
    throw new Problem(404, `There is no ${noun}.`);
  }

  function status() {
    const zero = () => ({ ok: 0, info: 0, warning: 0, error: 0 });
    const all = zero();
    const perClass = new Map();
    for (const r of model.resources.values()) {
      const h = model.healthOf(r);
      all[h]++;
      if (!perClass.has(r.class)) perClass.set(r.class, zero());
      perClass.get(r.class)[h]++;
    }
    const active = model.alerts.filter((a) => a.active);
    const by = (s) => active.filter((a) => a.severity === s).length;
    const state = (s) => plugins.items.filter((p) => p.state === s).length;
    return {
      version: '0.1.0-mock',
      started: new Date(Date.now() - 7200_000).toISOString(),
      position: String(model.seq()),
      resources: {
        total: model.resources.size,
        health: all,
        classes: model.classes
          .filter((c) => perClass.has(c) && !c.bases.includes('Internal'))
          .map((c) => ({
            plugin: c.plugin, name: c.name, full: c.full, label: c.label,
            count: Object.values(perClass.get(c)).reduce((a, b) => a + b, 0), health: perClass.get(c),
          })),
      },
      alerts: { info: by('info'), warning: by('warning'), error: by('error') },
      plugins: { running: state('running'), starting: state('starting'), backoff: state('backoff'), failed: state('failed') },
    };
  }

  /** Volumes, and logical drives on which neither a node nor another drive lies. */
  function countsAsVolume(r) {
    const on = (base) => r.children.some((id) => model.resources.get(id).class.bases.includes(base));
    return r.class.bases.includes('LogicalDrive') && (fleet.hasVolume(r.id) || !(on('DeviceNode') || on('LogicalDrive')));
  }

  function standing(is, fine) {
    const order = ['down', 'degraded', 'at_risk', 'fine'];
    const own = (r) => model.own(r).filter(model.mayCause);
    const all = [...model.resources.values()].filter(is).map((r) => ({ r, state: model.standing(r) }));
    all.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || model.name(a.r).localeCompare(model.name(b.r)));
    const items = all.filter((x) => fine || x.state !== 'fine').slice(0, 10).map((x) => {
      const causes = x.state === 'fine' ? [] : model.walk(x.r, 'up').steps.flatMap((s) => own(s.r));
      const worst = Math.max(...causes.map((a) => model.rank[a.severity]));
      return { resource: model.ref(x.r), state: x.state, volume: fleet.hasVolume(x.r.id), why: '', stale: x.r.stale, causes: causes.length, cause: causes.length > 0 ? model.summary(causes.findLast((a) => model.rank[a.severity] === worst)) : null };
    });
    const n = (s) => all.filter((x) => x.state === s).length;
    return { down: n('down'), degraded: n('degraded'), at_risk: n('at_risk'), fine: n('fine'), items };
  }

  function list(query) {
    return slice(select(query), query, model.encode);
  }

  function csv(query) {
    const rows = select(query);
    const names = query.get('columns').split(',');
    const cell = (r, n) => (n === 'name' ? model.name(r) : n === 'health' ? model.healthOf(r) : String(r.values[n.replace(/^attribute\./, '')] ?? ''));
    return [names.join(','), ...rows.map((r) => names.map((n) => `"${cell(r, n).replaceAll('"', '""')}"`).join(','))].join('\n') + '\n';
  }

  function search(query) {
    const low = (query.get('q') ?? '').trim().toLowerCase();
    if (low === '') throw new Problem(400, 'q must have 1 to 1000 characters', 'q');
    const limit = Number(query.get('limit') ?? 5);
    const groups = new Map();
    let total = 0;
    for (const r of model.resources.values()) {
      const named = model.name(r).toLowerCase().includes(low);
      const a = r.class.attributes.find((x) => x.kind !== 'password' && model.attributeValue(x, r.values[x.name]).text.toLowerCase().includes(low));
      if (!named && !a) continue;
      total++;
      if (!groups.has(r.class)) groups.set(r.class, { plugin: r.class.plugin, class: r.class.name, label: r.class.label, count: 0, items: [] });
      const g = groups.get(r.class);
      g.count++;
      if (g.items.length >= limit) continue;
      const { root } = model.ref(r);
      const why = named ? {} : { attribute: a.label, text: model.attributeValue(a, r.values[a.name]).text };
      g.items.push({ id: r.id, name: model.name(r), ...(root && { root }), health: model.healthOf(r), stale: r.stale, ...why });
    }
    return { total, groups: [...groups.values()].sort((a, b) => a.count - b.count) };
  }

  /** Whether a condition of the API holds, such as "capacity>=10 TiB". */
  function holds(r, condition) {
    const [, name, op, text] = /^([^!<>=~]*)(!=|<=|>=|=|~|<|>)(.*)$/.exec(condition) ?? [];
    const attr = name?.replace(/^attribute\./, '');
    const a = r.class.attributes.find((x) => x.name === attr);
    if (!name || (!a && name !== 'name')) throw new Problem(400, `"${name}" is no attribute of these resources`, 'where');
    const value = name === 'name' ? model.name(r) : r.values[attr];
    const read = (name === 'name' ? value : model.attributeValue(a, value).text).toLowerCase();
    const units = { '': 1, b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40, pib: 2 ** 50 };
    const [, number, unit] = /^([\d.]+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
    const n = number === undefined ? NaN : Number(number) * units[unit.toLowerCase()];
    const equal = text === '' ? read === '' : read === text.toLowerCase() || value === n;
    const test = { '=': equal, '!=': !equal, '~': read.includes(text.toLowerCase()), '<': value < n, '<=': value <= n, '>': value > n, '>=': value >= n };
    return (value !== null || !/[<>]/.test(op)) && test[op];
  }

  function select(query) {
    const known = ['plugin', 'class', 'base', 'scope', 'health', 'q', 'parent', 'ancestor_of', 'descendant_of', 'where', 'sort', 'limit', 'cursor', 'offset', 'format', 'columns'];
    for (const k of query.keys()) if (!known.includes(k)) throw new Problem(400, `There is no query parameter ${k}.`, k);
    const narrowed = ['plugin', 'class', 'base', 'scope', 'health', 'parent'].some((k) => query.has(k));
    let items = [...model.resources.values()].filter((r) => narrowed || !r.class.bases.includes('Internal'));
    const keep = (key, test) => {
      if (query.has(key)) items = items.filter((r) => test(r, query.get(key)));
    };
    keep('plugin', (r, v) => r.class.plugin === v);
    keep('class', (r, v) => r.class.name === v || r.class.full === v);
    keep('base', (r, v) => r.class.name === v || r.class.bases.includes(v));
    keep('scope', (r, v) => r.root === Number(v));
    keep('health', (r, v) => v.split(',').includes(model.healthOf(r)));
    keep('parent', (r, v) => r.parents.includes(Number(v)));
    keep('q', (r, v) => {
      const low = v.toLowerCase();
      const text = (a) => model.attributeValue(a, r.values[a.name]).text.toLowerCase();
      return model.name(r).toLowerCase().includes(low) || r.class.attributes.some((a) => a.kind !== 'password' && text(a).includes(low));
    });
    for (const w of query.getAll('where')) items = items.filter((r) => holds(r, w));
    const sort = query.get('sort') ?? 'id';
    const down = sort.startsWith('-') ? -1 : 1;
    const field = sort.replace(/^-/, '');
    const key = (r) => {
      if (field === 'id') return r.id;
      if (field === 'name') return model.name(r);
      if (field === 'health') return severities.indexOf(model.healthOf(r));
      if (field === 'updated') return r.updated;
      if (field === 'class') return r.class.full;
      const attr = field.replace(/^attribute\./, '');
      const a = r.class.attributes.find((x) => x.name === attr);
      if (!a) throw new Problem(400, `No class here has an attribute ${field} to sort by.`, 'sort');
      const v = r.values[attr];
      return a.kind === 'reference' && v !== null ? model.attributeValue(a, v).text : v;
    };
    const keys = new Map(items.map((r) => [r, key(r)]));
    items.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (x === null || y === null) return x === y ? a.id - b.id : x === null ? 1 : -1;
      return (x < y ? -down : x > y ? down : 0) || a.id - b.id;
    });
    return items;
  }

  function slice(items, query, encode) {
    const limit = Number(query.get('limit') ?? 100);
    const start = Number(query.get('cursor') ?? query.get('offset') ?? 0);
    const out = { items: items.slice(start, start + limit).map(encode), total: items.length };
    if (start + limit < items.length) out.next = String(start + limit);
    return out;
  }

  function listAlerts(query) {
    let items = [...model.alerts];
    if (query.has('active')) items = items.filter((a) => String(a.active) === query.get('active'));
    if (query.has('severity')) items = items.filter((a) => query.get('severity').split(',').includes(a.severity));
    if (query.has('resource')) items = items.filter((a) => a.resource === Number(query.get('resource')));
    if (query.has('plugin')) items = items.filter((a) => a.plugin === query.get('plugin'));
    if (query.has('class')) items = items.filter((a) => [a.class, `${a.plugin}.${a.class}`].includes(query.get('class')));
    if (query.has('q')) {
      const words = query.get('q').toLowerCase().split(/\s+/);
      const text = (a) => [a.text, a.message, a.condition, a.attribute, `${a.plugin}.${a.class}`].join(' ').toLowerCase();
      items = items.filter((a) => words.every((w) => text(a).includes(w)));
    }
    const sort = query.get('sort') ?? '-began';
    const field = sort.replace(/^-/, '');
    if (!['began', 'ended', 'severity', 'resource'].includes(field)) throw new Problem(400, `Alerts cannot be sorted by ${field}.`, 'sort');
    const key = (a) => (field === 'severity' ? model.rank[a.severity] : field === 'resource' ? a.text : (a[field] ?? '9999'));
    items.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (sort.startsWith('-') ? -1 : 1) || b.began.localeCompare(a.began));
    return slice(items, query, model.encodeAlert);
  }

  function linkage(a, b) {
    const [parent, child] = a.children.includes(b.id) ? [a, b] : [b, a];
    const linked = parent.children.includes(child.id);
    const relation = (lun) => ({
      class: lun.class.full, kind: 'provide', target: 'lustre.Target', ignore_case: true, provider: model.ref(parent), subscriber: model.ref(child), near: [],
      attributes: [{ name: 'serial', provider: lun.values.wwid, subscriber: lun.values.wwid.toUpperCase(), difference: 'case' }],
    });
    const related = parent.class.name === 'Lun' && child.class.name === 'Target';
    const step = {
      parent: model.ref(parent), child: model.ref(child),
      reported_by: related ? [] : [model.ref(model.resources.get(child.root))], relations: related ? [relation(parent)] : [],
    };
    return { resource: model.node({ r: a, depth: 0 }), other: model.node({ r: b, depth: 0 }), linked, steps: linked ? [step] : [], misses: [] };
  }

  function detail(r, part, query, other) {
    const limit = Number(query.get('limit') ?? 1000);
    if (part === 'graph') {
      const dirs = query.has('direction') ? [query.get('direction')] : ['up', 'down'];
      const nodes = new Map();
      let truncated = false;
      for (const dir of dirs) {
        const { steps } = model.walk(r, dir);
        truncated ||= steps.length > limit;
        for (const s of steps.slice(0, limit)) nodes.set(s.r.id, model.node(s, dir === 'up' ? -1 : 1));
      }
      const edges = [];
      for (const id of nodes.keys()) {
        for (const parent of model.resources.get(id).parents) if (nodes.has(parent)) edges.push({ parent, child: id });
      }
      return { nodes: [...nodes.values()].sort((a, b) => Math.abs(a.depth) - Math.abs(b.depth)), edges, truncated };
    }
    if (part === 'layers') return layers(model, r, query);
    if (part === 'timeline') {
      const reached = new Set(model.walk(r, 'down').steps.map((s) => s.r.id));
      const since = query.get('since') ?? new Date(Date.now() - 86_400_000).toISOString();
      const items = model.alerts.filter((a) => reached.has(a.resource) && (a.active || Date.parse(a.ended) >= Date.parse(since)));
      items.sort((a, b) => b.began.localeCompare(a.began));
      return { items: items.slice(0, 200).map(({ id, resource, resource_name, plugin, class: c, condition, severity, message, began, ended, acknowledged }) => ({ id, resource, resource_name, plugin, class: c, condition, severity, message, began, ended, acknowledged })), truncated: items.length > 200 };
    }
    if (part === 'impact') {
      const { steps, path } = model.walk(r, 'down');
      const rest = steps.slice(1);
      return {
        resource: model.node(steps[0]),
        items: rest.slice(0, limit).map((s) => ({ resource: model.node(s), path: path(s), depth: s.depth })),
        counts: model.count(rest.map((s) => s.r)),
        total: rest.length,
        filesystems: rest.filter((s) => s.r.class.name === 'FileSystem').map((s) => model.ref(s.r)),
        truncated: rest.length > limit,
      };
    }
    if (part === 'causes') {
      const { steps, path } = model.walk(r, 'up');
      const items = steps
        .map((s) => ({
          resource: model.node(s, -1), path: path(s), depth: s.depth,
          alerts: model.alerts.filter((a) => a.active && a.resource === s.r.id).sort((a, b) => model.rank[b.severity] - model.rank[a.severity]).map(model.summary),
        }))
        .filter((i) => i.alerts.length > 0)
        .sort((a, b) => model.rank[b.alerts[0].severity] - model.rank[a.alerts[0].severity] || a.depth - b.depth);
      return { resource: model.node(steps[0]), items: items.slice(0, limit), counts: model.count(items.map((i) => model.resources.get(i.resource.id))), total: items.length, truncated: items.length > limit };
    }
    if (part === 'charts') {
      const to = query.has('to') ? Date.parse(query.get('to')) : Date.now();
      const from = query.has('from') ? Date.parse(query.get('from')) : to - 3600_000;
      if (from >= to) throw new Problem(400, 'from must be before to.', 'from');
      return charts(r.class, { seed: r.id, base: r.stats, began: Date.parse(r.firstSeen) }, from, to, Number(query.get('points') ?? 300));
    }
    if (part === 'why-linked') return linkage(r, find(other));
    throw new Problem(404, `A resource has no ${part}.`);
  }

  /** Reads the attributes of a root that a user adds, or changes. */
  function read(c, attributes, old = {}) {
    const values = {};
    for (const a of c.attributes) {
      const v = attributes[a.name] ?? old[a.name] ?? a.default ?? null;
      if (v === null && !a.optional && !a.user_read_only && !(a.name in old)) throw new Problem(422, `${a.label} needs a value.`, a.name);
      if (a.kind === 'hostname' && v !== null && !/^[a-zA-Z0-9.:-]+$/.test(v)) throw new Problem(422, `"${v}" is no host name and no address.`, a.name);
      values[a.name] = v;
    }
    return values;
  }

  function scannable(plugin, name) {
    const c = model.classOf.get(`${plugin}.${name}`);
    if (!c?.scannable) throw new Problem(422, `Resources of class ${plugin}.${name} cannot be added.`, 'class');
    return c;
  }

  async function trial({ plugin, class: name, attributes = {}, id }) {
    const c = scannable(plugin, name);
    const values = read(c, attributes, id ? find(id).values : {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (Object.values(values).includes('wrong')) {
      return { ok: false, seconds: 0.3, resources: 0, counts: {}, incomplete: [], error: `${values.address ?? values.url}: 401 Unauthorized`, kind: 'acme.LoginError', detail: 'Traceback (most recent call last):\n  File "acme.py", line 41, in initial_scan' };
    }
    return { ok: true, seconds: 0.8, resources: 262, counts: { 'acme.Disk': 240, 'acme.Enclosure': 6, 'acme.Fan': 16 }, incomplete: [] };
  }

  function create({ plugin, class: name, attributes = {}, ...rest }) {
    for (const k of Object.keys(rest)) throw new Problem(422, `There is no field ${k}.`, k);
    const c = scannable(plugin, name);
    const values = read(c, attributes);
    const key = values[c.identifier.attributes[0]];
    if ([...model.resources.values()].some((r) => r.class === c && r.values[c.identifier.attributes[0]] === key)) {
      throw new Problem(409, `There is a ${c.label} with this identifier already.`, c.identifier.attributes[0]);
    }
    const r = model.add(c.full, `${c.label} ${key}`, values);
    r.session = { state: 'connecting', error: '', incomplete: [] };
    model.change({ created: [r] });
    setTimeout(() => {
      r.session = { state: 'live', error: '', last_contact: new Date().toISOString(), incomplete: [] };
      model.change({ updated: [{ id: r.id, plugin, class: name, state: true }] });
    }, 1500).unref();
    return model.encode(r);
  }

  function edit(r, body) {
    if (body.attributes) {
      read(r.class, body.attributes, r.values);
      for (const [name, value] of Object.entries(body.attributes)) r.values[name] = value;
      model.change({ updated: [{ id: r.id, plugin: r.class.plugin, class: r.class.name, state: true }] });
    }
    if ('alias' in body) {
      if (body.alias !== null && body.alias !== body.alias.trim()) throw new Problem(422, 'An alias has no space at either end.', 'alias');
      if (body.alias === '') throw new Problem(422, 'An alias is not empty; null goes back to the label.', 'alias');
      r.alias = body.alias;
    }
    model.change({ updated: [{ id: r.id, plugin: r.class.plugin, class: r.class.name, name: model.name(r) }] });
    return model.encode(r);
  }

  function drop(r) {
    if (!r.class.scannable) throw new Problem(409, 'Only what a user added can be removed.');
    model.remove(r);
  }

  function events(request, response, url) {
    const after = request.headers['last-event-id'] ?? url.searchParams.get('last_event_id');
    const watched = (url.searchParams.get('statistics') ?? '').split(',').filter(Boolean).map(Number);
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const send = ({ id, event, data }) => response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const position = after ?? String(model.seq());
    send({ id: position, event: 'ready', data: { position } });
    if (after !== null && after !== undefined) for (const e of model.log) if (Number(e.id) > Number(after)) send(e);
    model.listeners.add(send);
    streams.add(response);
    const beat = setInterval(() => {
      response.write(': beat\n\n');
      const items = watched.flatMap((id) => {
        const r = model.resources.get(id);
        return (r?.class.statistics ?? []).map((s) => ({ resource: id, name: s.name, ...model.latest(r, s) })).filter((s) => s.time);
      });
      if (items.length > 0) send({ id: String(model.seq()), event: 'statistics', data: { items } });
    }, 5000);
    response.on('close', () => {
      clearInterval(beat);
      model.listeners.delete(send);
      streams.delete(response);
    });
  }

  async function control(request, response, url) {
    if (url.pathname === '/mock/drop') for (const s of streams) s.destroy();
    else if (url.pathname === '/mock/set') {
      const { id, attribute, value } = await json(request);
      model.setAttribute(find(id), attribute, value);
    } else throw new Problem(404, 'There is no such control.');
    response.writeHead(204);
    response.end();
  }

  function page(response, url) {
    const file = join(dist, normalize(decodeURIComponent(url.pathname)));
    const found = file.startsWith(dist) && existsSync(file) && statSync(file).isFile() ? file : join(dist, 'index.html');
    if (!existsSync(found)) throw new Problem(404, 'The page is not built: run `npm run build`.');
    response.writeHead(200, {
      'Content-Type': types[extname(found)] ?? 'application/octet-stream',
      // As strict as a server may be: the page must work under it.
      'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    });
    createReadStream(found).pipe(response);
  }

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    model, fleet, plugins,
    drop: () => streams.forEach((s) => s.destroy()),
    close: () =>
      new Promise((resolve) => {
        streams.forEach((s) => s.destroy());
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function json(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8700' }, disks: { type: 'string', default: '240' }, fed: { type: 'string', default: '0' }, empty: { type: 'boolean' }, token: { type: 'string', default: '' }, fault: { type: 'string' } },
  });
  const mock = await serve({ port: Number(values.port), disks: Number(values.disks), fed: Number(values.fed), empty: values.empty, token: values.token });
  console.log(`The stand-in listens on ${mock.url}`);
  if (values.fault) {
    // For a look at the page while it lives: a disk fails and recovers.
    const disk = [...mock.model.resources.values()].find((r) => r.class.name === 'Disk');
    setInterval(() => mock.model.setAttribute(disk, 'status', disk.values.status === 'OK' ? 'FAILED' : 'OK'), Number(values.fault) * 1000);
  }
}
