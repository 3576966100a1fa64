import type { Schema } from '../../api/client';
import { healths } from '../../ui/health';

export type TimelineAlert = Schema['TimelineAlert'];

/** A row of a timeline: one alert, or several of one kind. */
export interface Span {
  key: string;
  /** The worst, then the oldest of them. */
  alert: TimelineAlert;
  count: number;
  active: number;
  began: number;
  /** When the last of them ended; undefined while one is active. */
  ended: number | undefined;
  acknowledged: { user: string; comment: string; time: number }[];
}

/** Alerts of one condition and class beyond this number are one row. */
const foldAbove = 3;

/**
 * Makes rows out of alerts, the first to begin on top: cause before effect.
 * Many alerts of one condition, class and severity are one row.
 */
export function spans(alerts: TimelineAlert[]): Span[] {
  const kinds = new Map<string, TimelineAlert[]>();
  for (const a of alerts) {
    const kind = `${a.plugin}.${a.class} ${a.condition} ${a.severity}`;
    const list = kinds.get(kind);
    if (list) list.push(a);
    else kinds.set(kind, [a]);
  }
  const out: Span[] = [];
  for (const [kind, list] of kinds) {
    if (list.length > foldAbove) out.push(span(kind, list));
    else out.push(...list.map((a) => span(String(a.id), [a])));
  }
  return out.sort((a, b) => a.began - b.began || healths.indexOf(b.alert.severity) - healths.indexOf(a.alert.severity) || a.alert.id - b.alert.id);
}

function span(key: string, list: TimelineAlert[]): Span {
  const oldest = [...list].sort((a, b) => Date.parse(a.began) - Date.parse(b.began) || a.id - b.id)[0];
  if (!oldest) throw new Error('a span of no alerts');
  const ends = list.map((a) => (a.ended === null ? undefined : Date.parse(a.ended)));
  const active = ends.filter((e) => e === undefined).length;
  // One acknowledgement of many alerts is one mark.
  const known = new Map<string, Span['acknowledged'][number]>();
  for (const { acknowledged: k } of list) if (k) known.set(`${k.time} ${k.user}`, { ...k, time: Date.parse(k.time) });
  return {
    key,
    alert: oldest,
    count: list.length,
    active,
    began: Date.parse(oldest.began),
    ended: active > 0 ? undefined : Math.max(...ends.map((e) => e ?? 0)),
    acknowledged: [...known.values()].sort((a, b) => a.time - b.time),
  };
}

/** The times from the first beginning to now, and where a time lies between them, from 0 to 1. */
export function scaleOf(rows: Span[], now: number): { from: number; to: number; at: (time: number) => number } {
  const from = Math.min(now - 60_000, ...rows.map((r) => r.began));
  // Some room before the first beginning, so that it can be seen.
  const start = from - (now - from) * 0.04;
  return { from: start, to: now, at: (time) => Math.min(1, Math.max(0, (time - start) / (now - start))) };
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 30 * 1440].map((min) => min * 60_000);

/** Round times between two, at most so many, by the reader's clock. */
export function ticks(from: number, to: number, most = 5): number[] {
  const step = steps.find((s) => (to - from) / s <= most) ?? Math.ceil((to - from) / most / 86_400_000) * 86_400_000;
  const zone = new Date(to).getTimezoneOffset() * 60_000;
  const out: number[] = [];
  for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) out.push(t);
  return out;
}
