import { createContext, useContext, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';
import { formatTitles, parseTitles } from './titles';
import { firstRange, intervalText, parseInterval, parseRange, parseTime, rangeText, timeText, type Interval, type Range } from './range';

/** What a reader set for all charts of a page, as it stands in the address. */
export interface BoardSearch {
  range?: string | undefined;
  /** A part of time that is shown in place of the range. */
  zoom?: string | undefined;
  /** The moment that histograms show. */
  at?: string | undefined;
  /** The titles of the charts whose values are shown as a table, too: see formatTitles. */
  tables?: string | undefined;
}

/** What the charts of a page share. */
export interface Board {
  /** What is chosen, and what is shown: the zoom, if there is one. */
  range: Range;
  zoom: Interval | undefined;
  shown: Range;
  at: number | undefined;
  tables: ReadonlySet<string>;
  setRange: (range: Range) => void;
  setZoom: (zoom: Interval | undefined) => void;
  setAt: (at: number | undefined) => void;
  /** Shows the values of the chart with a title as a table, or no longer. */
  toggleTable: (title: string) => void;
  cursor: Cursor;
}

const BoardContext = createContext<Board | undefined>(undefined);

interface Props {
  search: BoardSearch;
  /** Puts what the reader sets into the address. `at` and `tables` change without a new entry in the history. */
  onSearch: (search: BoardSearch, replace: boolean) => void;
  /** What is shown until something is chosen; the last hour if it is left out. */
  initial?: Range;
  children: ReactNode;
}

/**
 * Gives the charts below it one range, one zoom, one cursor and one chosen
 * moment. A page has one board, with a RangeBar and any number of ResourceCharts.
 */
export function ChartBoard({ search, onSearch, initial, children }: Props) {
  const [cursor] = useState(() => new Cursor());
  const { range: rangeParam, zoom: zoomParam, at: atParam, tables: tablesParam } = search;
  const board = useMemo((): Board => {
    const range = parseRange(rangeParam) ?? initial ?? parseRange(firstRange) ?? { live: 3_600_000 };
    const zoom = parseInterval(zoomParam);
    const tables = parseTitles(tablesParam);
    const now = { range: rangeParam, zoom: zoomParam, at: atParam, tables: tablesParam };
    return {
      range,
      zoom,
      shown: zoom ?? range,
      at: parseTime(atParam),
      tables,
      setRange: (next) => onSearch({ ...now, range: rangeText(next), zoom: undefined, at: undefined }, false),
      setZoom: (next) => onSearch({ ...now, zoom: next && intervalText(next) }, false),
      setAt: (next) => onSearch({ ...now, at: next === undefined ? undefined : timeText(next) }, true),
      toggleTable: (title) => onSearch({ ...now, tables: formatTitles(tables.has(title) ? [...tables].filter((t) => t !== title) : [...tables, title]) }, true),
      cursor,
    };
  }, [rangeParam, zoomParam, atParam, tablesParam, initial, onSearch, cursor]);
  return <BoardContext value={board}>{children}</BoardContext>;
}

/** The board that the caller stands on. */
export function useBoard(): Board {
  const board = useContext(BoardContext);
  if (!board) throw new Error('charts stand within a ChartBoard');
  return board;
}

/** The point in time under the pointer, shared by all charts of a page. */
export class Cursor {
  private time: number | undefined;
  private readonly listeners = new Set<() => void>();

  readonly get = (): number | undefined => this.time;

  readonly set = (time: number | undefined): void => {
    if (time === this.time) return;
    this.time = time;
    for (const listener of this.listeners) listener();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** The shared point in time. */
export function useCursor(): number | undefined {
  const { cursor } = useBoard();
  return useSyncExternalStore(cursor.subscribe, cursor.get);
}
