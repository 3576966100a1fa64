import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schema } from '../../api/client';
import { resourcePageQuery, type ResourceFilter } from '../../api/queries';

/** How many rows are read at a time. */
export const pageSize = 100;

/** What is known of a list's rows. */
export interface Rows {
  /** Number of all rows; undefined until the first answer. */
  total: number | undefined;
  /** A row by its place; undefined while it is read. */
  at: (index: number) => Schema['Resource'] | undefined;
  /** The place of a resource among the rows that are known here. */
  find: (id: number) => number | undefined;
  /** What is shown is of before the filter or the order changed. */
  old: boolean;
  error: Error | null;
  /** Counts the answers: it changes when rows may have. */
  version: number;
}

interface Known {
  pages: ReadonlyMap<number, Schema['ResourceList']>;
  total: number;
}

/**
 * Reads the rows from first to end, a page at a time, and keeps them up to
 * date. While another order loads, the rows of the present one stay.
 */
export function useRows(filter: ResourceFilter, first: number, end: number): Rows {
  const from = Math.floor(first / pageSize);
  const to = Math.max(from, Math.floor((end - 1) / pageSize));
  // Who drags the scroll bar passes by what he does not want.
  const [[wantedFrom, wantedTo]] = useDebouncedValue([from, to] as const, 70, { leading: true });
  const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const answers = useQueries({
    queries: numbers.map((n) => ({ ...resourcePageQuery(filter, n * pageSize), enabled: n >= wantedFrom && n <= wantedTo })),
  });
  const [kept, setKept] = useState<Known>();

  const pages = new Map<number, Schema['ResourceList']>();
  answers.forEach((a, i) => {
    const n = numbers[i];
    if (a.data && n !== undefined) pages.set(n, a.data);
  });
  const total = [...pages.values()].at(-1)?.total;
  const fresh: Known | undefined = total === undefined ? undefined : { pages, total };
  if (fresh && (kept?.total !== fresh.total || ![...pages].every(([n, p]) => kept.pages.get(n) === p))) setKept(fresh);
  const shown = fresh ?? kept;

  return {
    total: shown?.total,
    at: (index) => shown?.pages.get(Math.floor(index / pageSize))?.items[index % pageSize],
    find: (id) => {
      for (const [n, page] of shown?.pages ?? []) {
        const i = page.items.findIndex((r) => r.id === id);
        if (i >= 0) return n * pageSize + i;
      }
      return undefined;
    },
    old: fresh === undefined && kept !== undefined,
    error: answers.find((a) => a.error)?.error ?? null,
    version: Math.max(0, ...answers.map((a) => a.dataUpdatedAt)),
  };
}
