import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { healthName } from '../../ui/health';

type Item = Schema['HistoryItem'];

/** A part of a fact: words, or a resource that has a page. */
export type Part = string | { id: number; name: string };

/** What tells one item of a history from the others. */
export function itemKey(item: Item): string {
  return `${item.time} ${item.kind} ${item.resource} ${item.alert?.id ?? ''}`;
}

/** What an item of the history of a resource says, each fact for itself. */
export function facts(item: Item, resource: number): Part[][] {
  if (item.alert) return [[alertWords(item, item.alert)]];
  const out: Part[][] = [];
  const former = item.resource === resource ? '' : `, as resource ${item.resource}`;
  if (item.kind === 'created') out.push([`Seen for the first time${former}`]);
  if (item.kind === 'deleted') out.push([`Deleted${former}`]);
  if (item.session) out.push([item.session.offline ? `Went offline: ${item.session.error || 'no reason is known'}` : 'Is online again']);
  for (const a of item.attributes ?? []) out.push([attributeWords(a)]);
  if (item.label) out.push([`Label changed from ${item.label.from} to ${item.label.to}`]);
  if (item.alias) out.push([aliasWords(item.alias)]);
  return [...out, ...linkFacts('parent', item.parents), ...linkFacts('child', item.children)];
}

/** The words of facts, for who sees no links. */
export function plainWords(list: Part[][]): string {
  return list.map((fact) => fact.map((p) => (typeof p === 'string' ? p : p.name)).join('')).join('; ');
}

function alertWords({ kind, time }: Item, alert: Schema['TimelineAlert']): string {
  switch (kind) {
    case 'alert_ended':
      return `${healthName(alert.severity)} ended after ${formatDuration(Date.parse(time) - Date.parse(alert.began))}: ${alert.message}`;
    case 'alert_acknowledged':
      return `Acknowledged by ${alert.acknowledged?.user ?? 'somebody'}: ${alert.message}${alert.acknowledged?.comment ? ` (${alert.acknowledged.comment})` : ''}`;
    default:
      return `${healthName(alert.severity)} began: ${alert.message}`;
  }
}

function attributeWords(a: Schema['HistoryAttribute']): string {
  if (a.secret === true) return `${a.label} changed`;
  if (a.from === null) return `${a.label} set to ${a.to_text}`;
  if (a.to === null) return `${a.label} taken away, was ${a.from_text}`;
  return `${a.label} changed from ${a.from_text} to ${a.to_text}`;
}

function aliasWords({ from, to }: Schema['HistoryText']): string {
  if (from === '') return `Given the alias ${to}`;
  return to === '' ? `Alias ${from} taken back` : `Alias changed from ${from} to ${to}`;
}

function linkFacts(what: 'parent' | 'child', links: Schema['HistoryLinks'] | undefined): Part[][] {
  if (!links) return [];
  return [linkFact(what, 'added', links.added, links.added_count), linkFact(what, 'removed', links.removed, links.removed_count)].filter((f) => f.length > 0);
}

function linkFact(what: 'parent' | 'child', verb: string, list: readonly Schema['HistoryLink'][], count: number): Part[] {
  if (count === 0) return [];
  const subject = count === 1 ? (what === 'parent' ? 'Parent' : 'Child') : `${formatCount(count)} ${what === 'parent' ? 'parents' : 'children'}`;
  const out: Part[] = [`${subject} ${verb}: `];
  list.forEach((l, i) => {
    if (i > 0) out.push(', ');
    out.push(l.gone === true ? `${l.name} (gone since)` : { id: l.id, name: l.name });
  });
  if (count > list.length) out.push(` and ${formatCount(count - list.length)} more`);
  return out;
}
