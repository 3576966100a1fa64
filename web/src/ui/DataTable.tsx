import { Skeleton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import { formatCount } from '../format/number';
import { SortHeading } from './SortHeading';
import classes from './Table.module.css';

export interface Column<T> {
  header: string;
  /** In pixels; all columns grow alike where there is room. */
  width: number;
  align?: 'left' | 'right';
  /** What the list can be sorted by; absent if it cannot be by this. */
  sort?: string;
  cell: (row: T) => ReactNode;
  /** All that the cell says, where it may be cut. */
  title?: (row: T) => string | undefined;
}

interface Props<T> {
  label: string;
  /** The id of the part of the page that scrolls. */
  id?: string;
  /** The first one names the row. */
  columns: Column<T>[];
  rows: T[] | undefined;
  rowKey: (row: T) => string | number;
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
  /** Asks for the next rows; absent if there are none, or if they are under way. */
  more?: (() => void) | undefined;
  /** Stands in place of rows if there are none. */
  empty: ReactNode;
}

const rowHeight = 34;

/** A table of any number of things that are no resources. Only the rows in view exist in the page. */
export function DataTable<T>({ label, id, columns, rows, rowKey, sort, onSort, more, empty }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const count = rows?.length ?? 0;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer reads layout on purpose
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    initialRect: { width: 800, height: 600 },
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1);
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (last?.end ?? 0);
  useEffect(() => {
    if (more && last && last.index >= count - 30) more();
  }, [more, last, count]);

  const align = (c: Column<T>) => (c.align === 'right' ? classes['right'] : undefined);
  return (
    <div className={classes['scroller']} ref={scroller} tabIndex={0} role="region" id={id} aria-label={label}>
      <table className={classes['table']} style={{ minWidth: columns.reduce((sum, c) => sum + c.width, 0) }} aria-rowcount={more ? -1 : count + 1}>
        <colgroup>
          {columns.map((c) => (
            <col key={c.header} style={{ width: c.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => (
              <SortHeading key={c.header} id={c.sort} header={c.header} align={c.align ?? 'left'} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={columns.length} />}
          {items.map((item) => {
            const row = rows?.[item.index];
            return (
              row && (
                <tr key={rowKey(row)} aria-rowindex={item.index + 2}>
                  {columns.map((c, i) =>
                    i === 0 ? (
                      <th scope="row" key={c.header} title={c.title?.(row)}>
                        {c.cell(row)}
                      </th>
                    ) : (
                      <td key={c.header} className={align(c)} title={c.title?.(row)}>
                        {c.cell(row)}
                      </td>
                    ),
                  )}
                </tr>
              )
            );
          })}
          {after > 0 && <Spacer height={after} columns={columns.length} />}
          {!rows &&
            Array.from({ length: 8 }, (_, i) => (
              <tr key={i} aria-hidden="true">
                {columns.map((c, j) => (
                  <td key={c.header}>
                    <Skeleton animate={false} height={12} width={`${50 + ((i * 13 + j * 29) % 40)}%`} />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
      {rows?.length === 0 && <div className={classes['empty']}>{empty}</div>}
      <p className="visually-hidden" role="status">
        {rows ? `${formatCount(count)} rows loaded` : 'Loading'}
      </p>
    </div>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

/** The name of a row: an icon, and a link that is cut where it is too long. */
export function RowName({ icon, children }: { icon: ReactNode; children: (className: string | undefined) => ReactNode }) {
  return (
    <span className={classes['name']}>
      {icon}
      {children(classes['text'])}
    </span>
  );
}
