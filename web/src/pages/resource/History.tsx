import { IconChartLine, IconCheck, IconEye, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Skeleton } from '@mantine/core';
import type { Schema } from '../../api/client';
import { resourceAlertsQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { HealthIcon } from '../../ui/HealthIcon';
import { healthName } from '../../ui/health';
import { When } from '../../ui/Time';
import { history, type Happening } from './history';
import classes from './History.module.css';

interface Props {
  resource: Schema['Resource'];
  /** Shows the charts around a point in time; none if there are no charts. */
  onMoment: ((time: number) => void) | undefined;
}

const shownFirst = 8;

/** What happened to the resource: alerts that began, ended and were acknowledged. */
export function History({ resource, onMoment }: Props) {
  const { data } = useQuery(resourceAlertsQuery(resource.id));
  const [limit, setLimit] = useState(shownFirst);
  const list = data && history(resource, data.items);
  return (
    <section className="panel" aria-labelledby="history">
      <header>
        <h2 id="history">History</h2>
      </header>
      {!list && <Skeleton height={60} radius={0} />}
      <ol className={classes['list']}>
        {list?.slice(0, limit).map((h) => (
          <li key={h.key}>
            <span className={classes['time']}>
              <When time={h.time} />
            </span>
            <Sign happening={h} />
            <span className={classes['text']}>{words(h)}</span>
            {onMoment && (
              <button type="button" className={classes['show']} aria-label={`Show the charts around: ${words(h)}`} title="Show the charts around it" onClick={() => onMoment(Date.parse(h.time))}>
                <IconChartLine size={15} aria-hidden />
              </button>
            )}
          </li>
        ))}
      </ol>
      {list && list.length > limit && (
        <button type="button" className={classes['more']} onClick={() => setLimit(limit + 50)}>
          Show more of {formatCount(list.length)}
        </button>
      )}
    </section>
  );
}

function Sign({ happening: { kind, alert } }: { happening: Happening }) {
  if (kind === 'began' && alert) return <HealthIcon health={alert.severity} silent />;
  const Icon = kind === 'ended' ? IconCheck : kind === 'acknowledged' ? IconEye : IconPlus;
  return <Icon size={16} className={classes[kind]} aria-hidden />;
}

function words({ kind, alert }: Happening): string {
  if (!alert) return 'Seen for the first time';
  switch (kind) {
    case 'began':
      return `${healthName(alert.severity)} began: ${alert.message}`;
    case 'ended':
      return `${healthName(alert.severity)} ended after ${formatDuration(Date.parse(alert.ended ?? alert.began) - Date.parse(alert.began))}: ${alert.message}`;
    default:
      return `Acknowledged by ${alert.acknowledged?.user ?? 'somebody'}: ${alert.message}${alert.acknowledged?.comment ? ` (${alert.acknowledged.comment})` : ''}`;
  }
}
