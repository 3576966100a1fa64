// What happened to resources, as the stand-in remembers it.
import { Problem } from './problem.mjs';

/** How one attribute changed, as the API tells it. */
export function changed(attribute, from, to) {
  return {
    name: attribute.name, label: attribute.label, from: from.value, to: to.value, from_text: from.text, to_text: to.text,
  };
}

/** One page of what happened to a resource, which may be gone. */
export function history(model, id, query) {
  const r = model.resources.get(id);
  const end = model.past.find((p) => p.resource === id && p.kind === 'deleted');
  if (!r && !end) throw new Problem(404, `there is no resource ${id}, and nothing is kept of one that is gone`);
  const items = model.past.filter((p) => p.resource === id).map((p) => ({ ...p, ref: undefined }));
  for (const a of model.alerts.filter((x) => x.resource === id)) {
    const { resource, resource_name, plugin, class: c, condition, severity, message, began, ended, acknowledged } = a;
    const alert = { id: a.id, resource, resource_name, plugin, class: c, condition, severity, message, began, ended, acknowledged };
    items.push({ time: began, kind: 'alert_began', resource: id, alert });
    if (ended) items.push({ time: ended, kind: 'alert_ended', resource: id, alert });
    if (acknowledged) items.push({ time: acknowledged.time, kind: 'alert_acknowledged', resource: id, alert });
  }
  items.sort((a, b) => b.time.localeCompare(a.time));
  items.push({ time: r?.firstSeen ?? end.time, kind: 'created', resource: id });
  const start = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 100);
  const out = { resource: r ? model.ref(r) : end.ref, deleted: !r, items: items.slice(start, start + limit), kept_since: model.keptSince };
  if (start + limit < items.length) out.next = String(start + limit);
  return out;
}
