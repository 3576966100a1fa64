// The folded graph around a resource, by the rules of getLayers in
// internal/api/openapi.yaml.

const foldAbove = 5;
const standOut = 4;

export function layers(model, start, query) {
  const { rank } = model;
  const page = Number(query.get('page') ?? 40);
  const depth = Number(query.get('depth') ?? 0);
  const toward = query.get('toward');
  const open = new Map((query.get('open') ?? '').split(',').filter(Boolean).map((s) => {
    const [d, c, first] = s.split(':');
    return [`${d}:${c}`, Number(first ?? 0)];
  }));
  const own = new Set(model.alerts.filter((a) => a.active).map((a) => a.resource));
  const sickStart = model.healthOf(start) !== 'ok';
  const fans = new Map();
  const sizes = { up: 0, down: 0 };
  let more = false;
  const add = (r, d) => {
    const key = `${d}:${r.class.full}`;
    if (!fans.has(key)) fans.set(key, { key, depth: d, class: r.class, members: [] });
    fans.get(key).members.push({ r, health: model.healthOf(r) });
  };
  add(start, 0);
  for (const dir of query.has('direction') ? [query.get('direction')] : ['up', 'down']) {
    let steps = model.walk(start, dir).steps.slice(1);
    if (depth > 0) {
      more ||= steps.some((s) => s.depth > depth);
      steps = steps.filter((s) => s.depth <= depth);
    }
    if (toward) {
      const reached = new Map(steps.map((s) => [s.r.id, s.r]));
      const kept = new Set(steps.filter((s) => [s.r.class.full, s.r.class.name, ...s.r.class.bases].includes(toward)).map((s) => s.r.id));
      for (const id of kept) for (const back of dir === 'up' ? reached.get(id).children : reached.get(id).parents) if (reached.has(back)) kept.add(back);
      steps = steps.filter((s) => kept.has(s.r.id));
    }
    sizes[dir] = steps.length;
    for (const s of steps) add(s.r, dir === 'up' ? -s.depth : s.depth);
  }
  const order = (a, b) => rank[b.health] - rank[a.health] || Number(own.has(b.r.id)) - Number(own.has(a.r.id)) || model.name(a.r).localeCompare(model.name(b.r), 'en', { numeric: true });

  const out = { nodes: [], groups: [], links: [], above: sizes.up, below: sizes.down, more };
  const item = new Map();
  for (const f of [...fans.values()].sort((a, b) => Math.abs(a.depth) - Math.abs(b.depth) || a.depth - b.depth || a.class.full.localeCompare(b.class.full))) {
    const total = f.members.length;
    let first = -1;
    let shown = f.members;
    if (total > foldAbove && open.has(f.key)) {
      first = open.get(f.key);
      if (first >= total) first = Math.floor((total - 1) / page) * page;
      shown = [...f.members].sort(order).slice(first, first + page);
    } else if (total > foldAbove) {
      shown = f.members.filter((m) => m.health !== 'ok' && (f.depth < 0 || !sickStart || own.has(m.r.id))).sort(order).slice(0, standOut);
    }
    if (total - shown.length === 1 || shown === f.members) shown = [...f.members].sort(order);
    for (const m of shown) {
      item.set(m.r.id, { key: String(m.r.id), health: m.health });
      out.nodes.push(model.node({ r: m.r, depth: f.depth }));
    }
    const health = { ok: 0, info: 0, warning: 0, error: 0 };
    for (const m of f.members) {
      if (item.has(m.r.id)) continue;
      item.set(m.r.id, { key: f.key, health: m.health });
      health[m.health]++;
    }
    const folded = total - shown.length;
    if (folded > 0 || first >= 0) {
      out.groups.push({ key: f.key, depth: f.depth, plugin: f.class.plugin, class: f.class.name, total, first, shown: shown.length, folded, health });
    }
  }
  const links = new Map();
  for (const f of fans.values()) {
    for (const m of f.members) {
      const target = item.get(m.r.id).key;
      for (const id of m.r.parents) {
        const p = item.get(id);
        if (!p || p.key === target) continue;
        const key = `${p.key}>${target}`;
        const link = links.get(key) ?? { source: p.key, target, edges: 0, health: 'ok' };
        link.edges++;
        if (rank[p.health] > rank[link.health]) link.health = p.health;
        links.set(key, link);
      }
    }
  }
  out.links = [...links.values()];
  return out;
}
