const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/**
 * A number of bytes with an IEC unit and one decimal ("1.5 TiB"), below 1024
 * without a decimal. The server writes attributes in the same form.
 */
export function formatBytes(n: number): string {
  const sign = n < 0 ? '-' : '';
  let u = Math.abs(n);
  if (u < 1024) return `${sign}${Number.isInteger(u) ? u : u.toFixed(1)} B`;
  u /= 1024;
  let i = 0;
  // 1023.95 KiB would print as 1024.0 KiB; the next unit reads better.
  while (u >= 1023.95 && i < units.length - 1) {
    u /= 1024;
    i++;
  }
  return `${sign}${u.toFixed(1)} ${units[i] ?? ''}`;
}

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** A count with the reader's thousands separators. */
export function formatCount(n: number): string {
  return whole.format(n);
}

/** A large count in little room: 999, 1.2k, 35k, 1.2M. */
export function formatShort(n: number): string {
  if (n < 1000) return String(n);
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (n >= size) {
      const x = n / size;
      // Cut, not rounded: 999,999 is not yet 1000k.
      return (x < 10 ? (Math.floor(x * 10) / 10).toString() : Math.floor(x).toString()) + letter;
    }
  }
  return String(n);
}

/** A measured value with at most four significant digits of fraction. */
export function formatNumber(n: number): string {
  if (!Number.isFinite(n)) return '–';
  if (Number.isInteger(n)) return whole.format(n);
  const digits = Math.abs(n) >= 1000 ? 0 : Math.abs(n) >= 100 ? 1 : Math.abs(n) >= 1 ? 2 : 4;
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(n);
}

const byteUnits = new Set(['b', 'byte', 'bytes']);
const byteRates = new Set(['b/s', 'bytes/s', 'bytes/sec', 'bytes per second']);

/** Whether a unit is that of amounts of bytes. */
export function isBytes(unit: string): boolean {
  return byteUnits.has(unit.trim().toLowerCase());
}

/** Whether a unit is that of bytes a second. */
export function isByteRate(unit: string): boolean {
  return byteRates.has(unit.trim().toLowerCase());
}

/** A statistic's value with its declared unit; bytes become readable. */
export function formatMeasure(n: number, unit: string | undefined): string {
  const u = (unit ?? '').trim();
  if (u === '') return formatNumber(n);
  const low = u.toLowerCase();
  if (isBytes(u)) return formatBytes(n);
  if (isByteRate(u)) return `${formatBytes(n)}/s`;
  // The rate of what has no unit.
  if (u === '1/s') return `${formatNumber(n)} /s`;
  if (u === '%' || u === '°' || low === 'percent') return `${formatNumber(n)}${low === 'percent' ? ' %' : ` ${u}`}`;
  return `${formatNumber(n)} ${u}`;
}
