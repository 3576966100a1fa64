import { formatBytes, formatCount } from './number';

/** A histogram's bin as declared: [low, high], both inclusive, or [low] for an open end. */
export type Bin = readonly number[];

function bound(n: number, bytes: boolean): string {
  return bytes ? formatBytes(n).replace('.0 ', ' ') : formatCount(n);
}

/**
 * A readable label of a bin: "4 KiB" for one that is a single value,
 * "513 B – 4 KiB", "up to 512" where the bin starts at 0, "> 4 MiB" for
 * an open end.
 */
export function binLabel(bin: Bin, bytes: boolean): string {
  const [low, high] = bin;
  if (low === undefined) return '';
  if (high === undefined) {
    // A bin from 4097 on is what lies above 4096, which is the number people know.
    return low > 0 ? `> ${bound(low - 1, bytes)}` : `≥ ${bound(low, bytes)}`;
  }
  if (low === high) return bound(low, bytes);
  if (low === 0) return `≤ ${bound(high, bytes)}`;
  return `${bound(low, bytes)} – ${bound(high, bytes)}`;
}
