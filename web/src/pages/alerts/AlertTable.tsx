import { Skeleton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Schema } from '../../api/client';
import { affectedTotal, alertSubject } from '../../format/alert';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago, useNow, When } from '../../ui/Time';
import table from '../table/ResourceTable.module.css';
import classes from './AlertTable.module.css';

interface Props {
  rows: Schema['Alert'][] | undefined;
  history: boolean;
  labels: ClassLabels;
  more: (() => void) | undefined;
  empty: ReactNode;
}

const rowHeight = 34;

/** A table of any number of alerts; only the rows in view exist in the page. */
export function AlertTable({ rows, history, labels, more, empty }: Props) {
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

  const columns = ['Severity', 'Resource', 'Message', 'Class', 'Began', history ? 'Lasted' : 'Age', history ? 'Ended' : 'Affects'];
  const widths = [105, 260, 230, 150, 130, 105, history ? 130 : 290];
  return (
    <div className={table['scroller']} ref={scroller} tabIndex={0} role="region" id="alert-rows" aria-label={history ? 'Past alerts' : 'Active alerts'}>
      <table className={`${table['table'] ?? ''} ${classes['table'] ?? ''}`} style={{ minWidth: widths.reduce((a, b) => a + b, 0) }} aria-rowcount={more ? -1 : count + 1}>
        <colgroup>
          {widths.map((w, i) => (
            <col key={i} style={{ width: w }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => (
              <th scope="col" key={c}>
                <span className={table['heading']}>{c}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} />}
          {items.map((item) => {
            const a = rows?.[item.index];
            return a && <Row key={a.id} alert={a} index={item.index + 2} history={history} labels={labels} />;
          })}
          {after > 0 && <Spacer height={after} />}
          {!rows &&
            Array.from({ length: 8 }, (_, i) => (
              <tr key={i} aria-hidden="true">
                {columns.map((c, j) => (
                  <td key={c}>
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
      <td>
        <span className={classes['severity']}>
          <HealthIcon health={a.severity} silent />
          {healthName(a.severity)}
        </span>
      </td>
      <th scope="row" title={a.text}>
        <ResourceLink id={a.resource}>{alertSubject(a)}</ResourceLink>
      </th>
      <td title={a.message}>{a.message}</td>
      <td>{labels.label(fullClass(a))}</td>
      <td>
        <When time={a.began} />
      </td>
      <td className="number">{history ? <Lasted alert={a} /> : <Age time={a.began} />}</td>
      <td>{history ? a.ended !== null && <When time={a.ended} /> : <Affects alert={a} labels={labels} />}</td>
    </tr>
  );
}

function Age({ time }: { time: string }) {
  const now = useNow();
  return <>{formatDuration(now - Date.parse(time))}</>;
}

function Lasted({ alert }: { alert: Schema['Alert'] }) {
  if (alert.ended === null) return <Ago time={alert.began} />;
  return <>{formatDuration(Date.parse(alert.ended) - Date.parse(alert.began))}</>;
}

/** File systems by name, and the rest in numbers. */
function Affects({ alert, labels }: { alert: Schema['Alert']; labels: ClassLabels }) {
  const { counts, filesystems } = alert.affected;
  if (affectedTotal(counts) === 0) return <span className="muted">nothing</span>;
  const parts = Object.entries(counts)
    .sort((a, b) => a[1] - b[1])
    .map(([full, n]) => `${formatCount(n)} ${labels.label(full)}`)
    .join(', ');
  return (
    <span title={parts}>
      {filesystems.length > 0 && <strong className={classes['danger']}>{filesystems.map((f) => f.name).join(', ')} · </strong>}
      {parts}
    </span>
  );
}

function Spacer({ height }: { height: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={7} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
