import type { Schema } from '../api/client';

/** How many resources an alert endangers. */
export function affectedTotal(counts: Schema['Counts']): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
