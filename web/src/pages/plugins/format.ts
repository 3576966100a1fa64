import { formatBytes, formatCount, formatNumber } from '../../format/number';
import { formatDuration } from '../../format/time';
import type { Budget } from './words';

/** What is used of a budget, or may be, with its unit. */
export function formatBudget(n: number, kind: Budget['kind']): string {
  switch (kind) {
    case 'bytes':
      return formatBytes(n);
    case 'cores':
      return n === 1 ? '1 core' : `${formatNumber(Math.round(n * 100) / 100)} cores`;
    case 'count':
      return formatCount(n);
  }
}

/** A time of scans, in seconds, with as many digits as matter. */
export function formatSeconds(s: number): string {
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  return s < 60 ? `${Number.isInteger(s) ? s : s.toFixed(1)} s` : formatDuration(s * 1000);
}
