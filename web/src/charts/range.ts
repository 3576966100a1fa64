/** A part of time, in milliseconds since the epoch. */
export interface Interval {
  from: number;
  to: number;
}

/** What charts show: the last so many milliseconds, moving with time, or a part of time that stands. */
export type Range = { live: number } | Interval;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The ranges to choose from, by their names in an address. */
export const presets = [
  { key: '15m', label: '15 min', length: 15 * minute },
  { key: '1h', label: '1 h', length: hour },
  { key: '6h', label: '6 h', length: 6 * hour },
  { key: '24h', label: '24 h', length: day },
  { key: '7d', label: '7 d', length: 7 * day },
  { key: '30d', label: '30 d', length: 30 * day },
  { key: '90d', label: '90 d', length: 90 * day },
] as const;

/** The name of the range that charts begin with. */
export const firstRange = '1h';

/** No zoom shows less than this. */
const shortest = minute;

/** Whether the range moves with time. */
export function isLive(range: Range): range is { live: number } {
  return 'live' in range;
}

/** How much time the range shows, in milliseconds. */
export function lengthOf(range: Range): number {
  return isLive(range) ? range.live : range.to - range.from;
}

/** The part of time that the range shows when it is so late. */
export function intervalOf(range: Range, now: number): Interval {
  return isLive(range) ? { from: now - range.live, to: now } : range;
}

/** The range's form in an address: "6h", or "2026-03-05T11:00:00Z..2026-03-05T12:00:00Z". */
export function rangeText(range: Range): string {
  if (!isLive(range)) return intervalText(range);
  return presets.find((p) => p.length === range.live)?.key ?? `${Math.round(range.live / second)}s`;
}

/** Reads what `rangeText` writes; also any "90s", "45m", "3h", "10d". */
export function parseRange(text: string | undefined): Range | undefined {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text ?? '') ?? [];
  if (count === undefined || unit === undefined) return parseInterval(text);
  const live = Number(count) * { s: second, m: minute, h: hour, d: day }[unit as 's' | 'm' | 'h' | 'd'];
  return live >= shortest ? { live } : undefined;
}

/** The form of a part of time in an address. */
export function intervalText({ from, to }: Interval): string {
  return `${timeText(from)}..${timeText(to)}`;
}

/** Reads what `intervalText` writes. */
export function parseInterval(text: string | undefined): Interval | undefined {
  const [a, b, ...rest] = (text ?? '').split('..');
  const from = parseTime(a);
  const to = parseTime(b);
  return from === undefined || to === undefined || rest.length > 0 || from >= to ? undefined : { from, to };
}

/** A point in time as it stands in an address, to the second. */
export function timeText(t: number): string {
  return new Date(Math.round(t / second) * second).toISOString().replace('.000Z', 'Z');
}

/** Reads what `timeText` writes. */
export function parseTime(text: string | undefined): number | undefined {
  const t = Date.parse(text ?? '');
  return Number.isNaN(t) ? undefined : t;
}

/** The part between two points that a reader dragged over, in either direction, but never too short to show anything. */
export function dragged(a: number, b: number): Interval {
  const middle = (a + b) / 2;
  const half = Math.max(shortest, Math.abs(b - a)) / 2;
  return { from: middle - half, to: middle + half };
}

/** The part moved by a share of its length: -0.5 goes half of it into the past. */
export function moved({ from, to }: Interval, share: number): Interval {
  const by = (to - from) * share;
  return { from: from + by, to: to + by };
}

/** The part made longer or shorter around its middle. */
export function scaled({ from, to }: Interval, factor: number): Interval {
  const middle = (from + to) / 2;
  const half = ((to - from) * factor) / 2;
  return dragged(middle - half, middle + half);
}
