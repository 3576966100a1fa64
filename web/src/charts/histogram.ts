/** The counts of a histogram's bins in each step; null is a step without samples. */
export type Counts = readonly (readonly number[] | null)[];

/** How counts are shown: what each step added, or what the plugin said. */
export type CountMode = 'growth' | 'reported';

/**
 * Whether the counts seem to have accumulated since a start: in no bin they
 * ever fall, and in some they rise.
 */
export function accumulates(counts: Counts): boolean {
  let rises = false;
  let before: readonly number[] | undefined;
  for (const now of counts) {
    if (now === null) continue;
    for (const [bin, n] of now.entries()) {
      const old = before?.[bin] ?? n;
      if (n < old) return false;
      if (n > old) rises = true;
    }
    before = now;
  }
  return rises;
}

/**
 * What each step added to the bins. The first step with samples has nothing to
 * compare with; where a bin falls, counting began anew and all of it was added.
 */
export function growth(counts: Counts): (number[] | null)[] {
  let before: readonly number[] | undefined;
  return counts.map((now) => {
    if (now === null) return null;
    const old = before;
    before = now;
    if (!old) return null;
    const anew = now.some((n, bin) => n < (old[bin] ?? 0));
    return now.map((n, bin) => (anew ? n : n - (old[bin] ?? 0)));
  });
}

/** The counts as the mode shows them. */
export function shownCounts(counts: Counts, mode: CountMode): Counts {
  return mode === 'growth' ? growth(counts) : counts;
}

/** The greatest count. */
export function most(counts: Counts): number {
  let max = 0;
  for (const step of counts) for (const n of step ?? []) max = Math.max(max, n);
  return max;
}

/**
 * How strong a count is drawn, from 0 to 1. The root keeps small counts in sight
 * beside large ones.
 */
export function strength(count: number, max: number): number {
  return count <= 0 || max <= 0 ? 0 : Math.sqrt(count / max);
}
