const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const dayOnly = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const hourMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** A point on an axis of time that shows so many milliseconds: the clock, and the day at midnight and on long axes. */
export function formatTick(t: number, length: number): string {
  const at = new Date(t);
  if (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0) return dayOnly.format(t);
  if (length > 12 * 86_400_000) return dayOnly.format(t);
  return (length <= 600_000 ? clock : hourMinute).format(t);
}

/** A part of time in the reader's zone; the day is named once if it is the same. */
export function formatInterval(from: number, to: number): string {
  return day.formatRange(from, to);
}

/** Date and time in the reader's zone, to the second. */
export function formatTime(time: string | number): string {
  const t = typeof time === 'number' ? time : Date.parse(time);
  return Number.isNaN(t) ? String(time) : full.format(t);
}

/** The same in little room: the time if it is of today, else day and time. */
export function formatTimeShort(iso: string, now: number): string {
  const t = Date.parse(iso);
  if (Number.isNaN(t)) return iso;
  return new Date(t).toDateString() === new Date(now).toDateString() ? clock.format(t) : day.format(t);
}

/** A length of time in its two largest units: "12 s", "3 min", "2 h 5 min", "4 d 3 h". */
export function formatDuration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 === 0 ? `${h} h` : `${h} h ${min % 60} min`;
  const d = Math.floor(h / 24);
  return h % 24 === 0 ? `${d} d` : `${d} d ${h % 24} h`;
}

/** How long ago, or how soon: "just now", "3 min ago", "in 4 s". */
export function formatAgo(iso: string, now: number): string {
  const t = Date.parse(iso);
  if (Number.isNaN(t)) return iso;
  const ms = now - t;
  if (ms <= -1000) return `in ${formatDuration(-ms)}`;
  if (ms < 5000) return 'just now';
  return `${formatDuration(ms)} ago`;
}
