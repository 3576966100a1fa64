import { formatBytes, formatCount, isBytes } from './number';

/** A histogram's bin as declared: [low, high], both inclusive, or [low] for an open end. */
export type Bin = readonly number[];

function bound(n: number, unit: string): string {
  return isBytes(unit) ? formatBytes(n).replace('.0 ', ' ') : formatCount(n);
}

/**
 * A readable label of a bin in its unit: "4 KiB" for one that is a single
 * value, "513 B – 4 KiB", "up to 512 ms" where the bin starts at 0, "over
 * 4 MiB" for an open end.
 */
export function binLabel(bin: Bin, unit: string): string {
  const [low, high] = bin;
  if (low === undefined) return '';
  // Bytes have their unit at each bound.
  const after = isBytes(unit) || unit === '' ? '' : ` ${unit}`;
  if (high === undefined) {
    // A bin from 4097 on is what lies above 4096, which is the number people know.
    return low > 0 ? `over ${bound(low - 1, unit)}${after}` : 'any';
  }
  if (low === high) return `${bound(low, unit)}${after}`;
  if (low === 0) return `up to ${bound(high, unit)}${after}`;
  return `${bound(low, unit)} – ${bound(high, unit)}${after}`;
}
