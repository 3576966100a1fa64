import { Skeleton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Schema } from '../../api/client';
import { affectedTotal } from '../../format/alert';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago, When } from '../../ui/Time';
import { SortHeading } from '../../ui/SortHeading';
import table from '../../ui/Table.module.css';
import classes from './AlertTable.module.css';

interface Props {
  rows: Schema['Alert'][] | undefined;
  history: boolean;
  labels: ClassLabels;
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
  more: (() => void) | undefined;
  empty: ReactNode;
}

const rowHeight = 34;

interface Column {
  header: string;
  width: number;
  /** What the server sorts by. */
  sort?: string;
}

const present: Column[] = [
  { header: 'Resource', width: 235, sort: 'resource' },
  { header: 'Message', width: 190 },
  { header: 'Severity', width: 100, sort: 'severity' },
  { header: 'Class', width: 120 },
  { header: 'Began', width: 120, sort: 'began' },
  { header: 'Affects', width: 210 },
];
const past: Column[] = [
  ...present.slice(0, 5),
  { header: 'Ended', width: 120, sort: 'ended' },
  { header: 'Lasted', width: 100 },
];

/** A table of any number of alerts; only the rows in view exist in the page. */
export function AlertTable({ rows, history, labels, sort, onSort, more, empty }: Props) {
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

  const columns = history ? past : present;
  return (
    <div className={table['scroller']} ref={scroller} tabIndex={0} role="region" id="alert-rows" aria-label={history ? 'Past alerts' : 'Active alerts'}>
      <table className={table['table']} style={{ minWidth: columns.reduce((sum, c) => sum + c.width, 0) }} aria-rowcount={more ? -1 : count + 1}>
        <colgroup>
          {columns.map((c) => (
            <col key={c.header} style={{ width: c.width }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => (
              <SortHeading key={c.header} id={c.sort} header={c.header} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={columns.length} />}
          {items.map((item) => {
            const a = rows?.[item.index];
            return a && <Row key={a.id} alert={a} index={item.index + 2} history={history} labels={labels} />;
          })}
          {after > 0 && <Spacer height={after} columns={columns.length} />}
          {!rows &&
            Array.from({ length: 8 }, (_, i) => (
              <tr key={i} aria-hidden="true">
                {columns.map((c, j) => (
                  <td key={c.header}>
                    <Skeleton height={12} width={`${50 + ((i * 13 + j * 29) % 40)}%`} />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
      {rows?.length === 0 && <div className={table['empty']}>{empty}</div>}
      <p className="visually-hidden" role="status">
        {rows ? `${formatCount(count)} alerts` : 'Loading'}
      </p>
    </div>
  );
}

function Row({ alert: a, index, history, labels }: { alert: Schema['Alert']; index: number; history: boolean; labels: ClassLabels }) {
  return (
    <tr aria-rowindex={index}>
      <th scope="row" title={a.text}>
        <span className={table['name']}>
          <HealthIcon health={a.severity} silent />
          <ResourceLink id={a.resource} className={table['text']}>
            {a.resource_name}
          </ResourceLink>
        </span>
      </th>
      <td title={a.message}>{a.message}</td>
      <td title={a.acknowledged ? `acknowledged by ${a.acknowledged.user}: ${a.acknowledged.comment}` : undefined}>
        {healthName(a.severity)}
        {a.acknowledged && ' ✓'}
      </td>
      <td>{labels.label(fullClass(a))}</td>
      <td className="number">{history ? <When time={a.began} /> : <Ago time={a.began} />}</td>
      {history ? (
        <>
          <td>{a.ended !== null && <When time={a.ended} />}</td>
          <td className="number">{a.ended !== null && formatDuration(Date.parse(a.ended) - Date.parse(a.began))}</td>
        </>
      ) : (
        <td>
          <Affects alert={a} labels={labels} />
        </td>
      )}
    </tr>
  );
}

/** File systems by name, and the rest in numbers. */
function Affects({ alert, labels }: { alert: Schema['Alert']; labels: ClassLabels }) {
  const { counts, filesystems } = alert.affected;
  const total = affectedTotal(counts);
  if (total === 0) return <span className="muted">nothing</span>;
  const parts = Object.entries(counts)
    .sort((a, b) => a[1] - b[1])
    .map(([full, n]) => `${formatCount(n)} ${labels.label(full)}`)
    .join(', ');
  return (
    <span title={parts}>
      {filesystems.length > 0 ? (
        <>
          <strong className={classes['danger']}>{filesystems.map((f) => f.name).join(', ')}</strong> · {formatCount(total)}
        </>
      ) : (
        parts
      )}
    </span>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
