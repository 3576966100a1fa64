import { Skeleton } from '@mantine/core';
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { useWatch } from '../../api/live';
import type { ResourceFilter } from '../../api/queries';
import { formatCount } from '../../format/number';
import { SortHeading } from '../../ui/SortHeading';
import classes from '../../ui/Table.module.css';
import { Cell } from './Cell';
import type { ColumnSpec } from './columns';
import { ColumnFilter } from './ColumnFilter';
import { useWindow } from './scroll';
import { useRows, type Rows } from './useRows';
import type { Where } from './where';

interface Props {
  label: string;
  columns: ColumnSpec[];
  filter: ResourceFilter;
  /** Number of rows until the server says it, so that the scroll bar stands. */
  expected: number;
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
  where: Where;
  onWhere: (name: string, condition: string | undefined) => void;
  /** The row to begin with, and who is told where the reader rests. */
  row: number;
  onRow: (row: number) => void;
  onRows: (rows: { total: number | undefined; error: Error | null }) => void;
  /** Stands in place of rows if there are none. */
  empty: ReactNode;
  /** What can be done with the table, at its foot. */
  acts: ReactNode;
}

const rowHeight = 34;
/** The headings and the fields below them. */
const headHeight = 34 + 38;

/** A table of any number of resources. Only the rows in view exist in the page. */
export function ResourceTable({ label, columns, filter, expected, sort, onSort, where, onWhere, row, onRow, onRows, empty, acts }: Props) {
  const [count, setCount] = useState(expected);
  const scroller = useRef<HTMLDivElement>(null);
  const view = useWindow(scroller, count, rowHeight, headHeight);
  const rows = useRows(filter, view.first, Math.max(view.end, view.first + 1));
  useStay(rows, view, filter, row, onRow);
  const known = rows.total;
  if (count !== (known ?? expected)) setCount(known ?? expected);
  const failure = known === undefined ? rows.error : null;
  useEffect(() => onRows({ total: known, error: failure }), [known, failure, onRows]);

  const shown = Array.from({ length: view.end - view.first }, (_, i) => ({ index: view.first + i, resource: rows.at(view.first + i) }));
  const hasStatistics = columns.some((c) => c.source === 'statistic');
  useWatch(hasStatistics ? shown.flatMap((s) => s.resource?.id ?? []) : []);

  const width = columns.reduce((sum, c) => sum + c.width, 0);
  return (
    <>
      <div className={classes['scroller']} ref={scroller} onScroll={view.onScroll} tabIndex={0} role="region" aria-label={label}>
        <table className={classes['table']} style={{ minWidth: width }} aria-rowcount={(known ?? expected) + 2} aria-busy={rows.old}>
          <caption className="visually-hidden">{label}</caption>
          <colgroup>
            {columns.map((c) => (
              <col key={`${c.source}-${c.id}`} style={{ width: c.width }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((c) => (
                <SortHeading key={`${c.source}-${c.id}`} id={c.sortable ? c.id : undefined} header={c.header} align={c.align} sort={sort} onSort={onSort} />
              ))}
            </tr>
            <tr aria-rowindex={2} className={classes['filters']}>
              {columns.map((c) => (
                <td key={`${c.source}-${c.id}`}>
                  {c.sortable && <ColumnFilter column={c} condition={where.get(c.id)} onChange={(condition) => onWhere(c.id, condition)} />}
                </td>
              ))}
            </tr>
          </thead>
          <tbody>
            {view.before > 0 && <Room columns={columns.length} height={view.before} />}
            {shown.map(({ index, resource }) => (
              <tr
                key={resource?.id ?? `row ${index}`}
                aria-rowindex={index + 3}
                data-stale={resource?.stale === true || undefined}
                data-health={resource?.health}
                aria-hidden={resource ? undefined : true}
              >
                {columns.map((c, i) => {
                  const content = resource ? <Cell column={c} row={resource} /> : <Skeleton animate={false} height={12} width={`${50 + ((index * 13 + i * 29) % 40)}%`} />;
                  return i === 0 ? (
                    <th scope="row" key={`${c.source}-${c.id}`}>
                      {content}
                    </th>
                  ) : (
                    <td key={`${c.source}-${c.id}`} className={c.align === 'right' ? classes['right'] : undefined}>
                      {content}
                    </td>
                  );
                })}
              </tr>
            ))}
            {view.after > 0 && <Room columns={columns.length} height={view.after} />}
          </tbody>
        </table>
        {known === 0 && <div className={classes['empty']}>{empty}</div>}
      </div>
      <div className={classes['foot']}>
        <span className="number" role="status">
          {standing(known, view.top, view.fits)}
        </span>
        {acts}
      </div>
    </>
  );
}

/** Where in the list the reader is, in words. */
function standing(total: number | undefined, top: number, fits: number): string {
  if (total === undefined) return 'Loading';
  if (total === 0) return 'No rows';
  return `Rows ${formatCount(top + 1)} to ${formatCount(Math.min(total, top + fits))} of ${formatCount(total)}`;
}

function Room({ columns, height }: { columns: number; height: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

/**
 * Keeps a reader where he is. Rows that come or go above do not move what he
 * reads; another filter or order begins at its first row; and where he rests is
 * told, so that the way back leads there.
 */
function useStay(rows: Rows, view: ReturnType<typeof useWindow>, filter: ResourceFilter, row: number, onRow: (row: number) => void): void {
  const { jump, top } = view;
  const key = JSON.stringify(filter);
  const asked = useRef({ key, begun: row === 0 });
  const anchor = useRef<{ id: number; index: number }>(undefined);
  const { total, old, version } = rows;

  useLayoutEffect(() => {
    if (asked.current.key !== key) {
      asked.current = { key, begun: true };
      anchor.current = undefined;
      jump(0);
    } else if (!asked.current.begun && total !== undefined) {
      asked.current.begun = true;
      jump(row);
    }
  }, [key, total, row, jump]);

  useLayoutEffect(() => {
    const a = anchor.current;
    const now = a && !old ? rows.find(a.id) : undefined;
    // At its beginning a list shows what is first now.
    if (a && now !== undefined && now !== a.index && a.index === top && top > 0) {
      anchor.current = { id: a.id, index: now };
      jump(now);
      return;
    }
    const first = rows.at(top);
    anchor.current = first && !old ? { id: first.id, index: top } : undefined;
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for the rows
  }, [version, top, old, jump]);

  useEffect(() => {
    if (!asked.current.begun || total === undefined) return;
    const timer = setTimeout(() => onRow(top), 500);
    return () => clearTimeout(timer);
  }, [top, total, onRow]);
}
