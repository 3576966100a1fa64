import { isBytes, isByteRate } from '../format/number';

/** A scale of a chart: where it begins and ends, and how far apart its lines are. */
export interface Axis {
  unit: string;
  min: number;
  max: number;
  step: number;
}

/** What stands on an axis. */
export interface Extent {
  unit: string;
  /** The least and the greatest value; none if nothing was sampled. */
  low: number | undefined;
  high: number | undefined;
  /** Rates and amounts mean little without their zero. */
  zero: boolean;
}

const splits = 4;

/** The scales of a chart: each with the same number of lines, so that those of two axes coincide. */
export function axes(extents: Extent[]): Axis[] {
  return extents.map(axis);
}

function axis({ unit, low, high, zero }: Extent): Axis {
  let bottom = low ?? 0;
  let top = high ?? 1;
  // A scale from zero unless that would squeeze what happens into a strip.
  if (bottom > 0 && (zero || bottom < top / 2)) bottom = 0;
  if (top < 0 && (zero || top > bottom / 2)) top = 0;
  if (bottom === top) {
    // A constant runs through the middle, and nothing at the bottom.
    const room = Math.abs(top) > 0 ? Math.abs(top) / 10 : 1;
    top += room;
    if (bottom !== 0) bottom -= room;
  }
  const binary = isBytes(unit) || isByteRate(unit);
  let step = niceStep((top - bottom) / splits, binary);
  for (;;) {
    const min = Math.floor(bottom / step + 1e-9) * step;
    const max = min + splits * step;
    if (max >= top - step * 1e-9) return { unit, min, max, step };
    step = niceStep(step * 1.01, binary);
  }
}

/**
 * The least round number that is not below x: 1, 2 or 5 times a power of ten;
 * for bytes 1, 2, 4 … 512 times a power of 1024.
 */
export function niceStep(x: number, binary: boolean): number {
  if (binary && x >= 1) return 2 ** Math.ceil(Math.log2(x) - 1e-9);
  const power = 10 ** Math.floor(Math.log10(x) + 1e-9);
  for (const m of [1, 2, 5]) if (m * power >= x * (1 - 1e-9)) return m * power;
  return 10 * power;
}

const iec = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
const si = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** The text at a line of a scale. Bytes have their unit, others a prefix: their unit stands above the axis. */
export function tickText(value: number, { unit, min, max, step }: Axis): string {
  // Sums of steps are a little off.
  const n = Math.round(value / step) * step;
  if (isBytes(unit) || isByteRate(unit)) {
    let [x, i] = [n, 0];
    while (Math.abs(x) >= 1024 && i < iec.length - 1) [x, i] = [x / 1024, i + 1];
    return `${trimmed(x, 2)} ${iec[i] ?? ''}${isByteRate(unit) ? '/s' : ''}`;
  }
  const most = Math.max(Math.abs(min), Math.abs(max));
  let [scale, i] = [1, 0];
  // Four digits are read as well without a prefix.
  while (most / scale >= 10_000 && i < si.length - 1) [scale, i] = [scale * 1000, i + 1];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / scale) + 1e-9));
  const text = (n / scale).toFixed(Math.min(12, decimals));
  return `${Number(text) === 0 ? '0' : text}${n === 0 ? '' : (si[i] ?? '')}${unit === '%' ? ' %' : ''}`;
}

function trimmed(x: number, digits: number): string {
  return String(Number(x.toFixed(digits)));
}

/** What stands above an axis: its unit, unless that is at every line. */
export function axisName(unit: string): string {
  if (isBytes(unit) || isByteRate(unit) || unit === '%') return '';
  return unit === '1/s' ? '/s' : unit;
}
