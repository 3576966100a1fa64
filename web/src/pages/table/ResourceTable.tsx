import { Skeleton } from '@mantine/core';
import { createColumnHelper, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import type { Schema } from '../../api/client';
import { useWatch } from '../../api/live';
import { formatCount } from '../../format/number';
import { useClasses } from '../../ui/useClasses';
import { Cell } from './Cell';
import type { ColumnSpec } from './columns';
import classes from './ResourceTable.module.css';
import { SortHeading } from './SortHeading';

interface Props {
  label: string;
  columns: ColumnSpec[];
  rows: Schema['Resource'][] | undefined;
  /** Number of all rows, if it is known. */
  total: number | undefined;
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
  /** Asks for the next rows; absent if there are none, or if they are under way. */
  more: (() => void) | undefined;
  loadingMore: boolean;
  /** Stands in place of rows if there are none. */
  empty: ReactNode;
}

const rowHeight = 34;
// Sorting, filtering and paging are the server's; the table only lays out.
const features = tableFeatures({});
const helper = createColumnHelper<typeof features, Schema['Resource']>();

/** A table of any number of resources. Only the rows in view exist in the page. */
export function ResourceTable({ label, columns, rows, total, sort, onSort, more, loadingMore, empty }: Props) {
  const labels = useClasses();
  const scroller = useRef<HTMLDivElement>(null);
  const defs = useMemo(
    () =>
      helper.columns(
        columns.map((column) =>
          helper.display({ id: column.id, cell: ({ row }) => <Cell column={column} row={row.original} labels={labels} /> }),
        ),
      ),
    [columns, labels],
  );
  const data = useMemo(() => rows ?? [], [rows]);
  const table = useTable({ features, columns: defs, data, getRowId: (r) => String(r.id) });
  const all = table.getRowModel().rows;

  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer reads layout on purpose
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    // Before the first layout (and in tests) there is no height to go by.
    initialRect: { width: 800, height: 600 },
  });
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  const before = first?.start ?? 0;
  const after = virtual.getTotalSize() - (last?.end ?? 0);

  useEffect(() => {
    if (more && last && last.index >= all.length - 30) more();
  }, [more, last, all.length]);

  const hasStatistics = columns.some((c) => c.source === 'statistic');
  useWatch(hasStatistics ? items.flatMap((i) => data[i.index]?.id ?? []) : []);

  const width = columns.reduce((sum, c) => sum + c.width, 0);
  return (
    <div className={classes['scroller']} ref={scroller} tabIndex={0} role="region" aria-label={label}>
      <table className={classes['table']} style={{ minWidth: width }} aria-rowcount={(total ?? all.length) + 1}>
        <caption className="visually-hidden">{label}</caption>
        <colgroup>
          {columns.map((c) => (
            <col key={c.id} style={{ width: c.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => (
              <SortHeading key={`${c.source}-${c.id}`} id={c.sortable ? c.id : undefined} header={c.header} align={c.align} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: before, padding: 0, border: 0 }} />
            </tr>
          )}
          {items.map((item) => {
            const row = all[item.index];
            if (!row) return null;
            return (
              <tr key={row.id} aria-rowindex={item.index + 2} data-stale={row.original.stale || undefined} data-health={row.original.health}>
                {row.getAllCells().map((cell, i) => {
                  const className = columns[i]?.align === 'right' ? classes['right'] : undefined;
                  const content = <table.FlexRender cell={cell} />;
                  return i === 0 ? (
                    <th scope="row" key={cell.id}>
                      {content}
                    </th>
                  ) : (
                    <td key={cell.id} className={className}>
                      {content}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {after > 0 && (
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: after, padding: 0, border: 0 }} />
            </tr>
          )}
          {rows === undefined && <Waiting columns={columns} count={14} />}
          {loadingMore && <Waiting columns={columns} count={2} />}
        </tbody>
      </table>
      {rows?.length === 0 && <div className={classes['empty']}>{empty}</div>}
      <p className="visually-hidden" role="status">
        {rows === undefined ? 'Loading' : `${formatCount(rows.length)} rows loaded`}
      </p>
    </div>
  );
}

function Waiting({ columns, count }: { columns: ColumnSpec[]; count: number }) {
  return Array.from({ length: count }, (_, i) => (
    <tr key={i} aria-hidden="true">
      {columns.map((c, j) => (
        <td key={c.id}>
          <Skeleton height={12} width={`${50 + ((i * 13 + j * 29) % 40)}%`} />
        </td>
      ))}
    </tr>
  ));
}
