import { useMemo, type ReactNode } from 'react';
import type { Schema } from '../../api/client';
import { affectedTotal } from '../../format/alert';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { DataTable, RowName, type Column } from '../../ui/DataTable';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago, When } from '../../ui/Time';
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

function columns(history: boolean, labels: ClassLabels): Column<Schema['Alert']>[] {
  const both: Column<Schema['Alert']>[] = [
    {
      header: 'Resource',
      width: 235,
      sort: 'resource',
      title: (a) => a.text,
      cell: (a) => (
        <RowName icon={<HealthIcon health={a.severity} silent />}>
          {(cut) => (
            <ResourceLink id={a.resource} className={cut}>
              {a.resource_name}
            </ResourceLink>
          )}
        </RowName>
      ),
    },
    { header: 'Part of', width: 130, title: (a) => a.root, cell: (a) => a.root },
    { header: 'Message', width: 190, title: (a) => a.message, cell: (a) => a.message },
    {
      header: 'Severity',
      width: 100,
      sort: 'severity',
      title: (a) => (a.acknowledged ? `acknowledged by ${a.acknowledged.user}: ${a.acknowledged.comment}` : undefined),
      cell: (a) => (
        <>
          {healthName(a.severity)}
          {a.acknowledged && ' ✓'}
        </>
      ),
    },
    { header: 'Class', width: 120, cell: (a) => labels.label(fullClass(a)) },
    { header: 'Began', width: 120, sort: 'began', cell: (a) => <span className="number">{history ? <When time={a.began} /> : <Ago time={a.began} />}</span> },
  ];
  if (!history) return [...both, { header: 'Affects', width: 210, cell: (a) => <Affects alert={a} labels={labels} /> }];
  return [
    ...both,
    { header: 'Ended', width: 120, sort: 'ended', cell: (a) => a.ended !== null && <When time={a.ended} /> },
    { header: 'Lasted', width: 100, cell: (a) => a.ended !== null && <span className="number">{formatDuration(Date.parse(a.ended) - Date.parse(a.began))}</span> },
  ];
}

/** A table of any number of alerts. */
export function AlertTable({ history, labels, ...table }: Props) {
  return (
    <DataTable label={history ? 'Past alerts' : 'Active alerts'} id="alert-rows" columns={useMemo(() => columns(history, labels), [history, labels])} rowKey={(a) => a.id} {...table} />
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
