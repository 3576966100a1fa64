import { Skeleton } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { formatDuration, formatTime, formatTimeShort } from '../../format/time';
import type { ClassLabels } from '../../ui/classes';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { useNow } from '../../ui/Time';
import { scaleOf, spans, ticks, type Span } from './spans';
import classes from './Timeline.module.css';

const shownFirst = 12;

/** When each alert of an incident began, was acknowledged and ended. */
export function Timeline({ timeline, labels }: { timeline: Schema['Timeline'] | undefined; labels: ClassLabels }) {
  const [all, setAll] = useState(false);
  const now = useNow();
  const rows = useMemo(() => spans(timeline?.items ?? []), [timeline]);
  const scale = useMemo(() => scaleOf(rows, now), [rows, now]);
  const shown = all ? rows : rows.slice(0, shownFirst);
  return (
    <section className="panel" aria-labelledby="timeline">
      <header>
        <h2 id="timeline">Timeline</h2>
        {timeline?.truncated === true && <span className="muted">the newest {formatCount(timeline.items.length)} alerts</span>}
      </header>
      {!timeline ? (
        <Skeleton height={90} m="md" width="auto" />
      ) : rows.length === 0 ? (
        <p className={`muted ${classes['none'] ?? ''}`}>No alert of the last day.</p>
      ) : (
        <>
          <div className={classes['axis']} aria-hidden="true">
            <span />
            <div className={classes['track']}>
              {ticks(scale.from, scale.to).map((t) => (
                <span key={t} className={classes['tick']} style={{ left: `${scale.at(t) * 100}%` }}>
                  {formatTimeShort(new Date(t).toISOString(), now).replace(/:\d\d(?=$|\s)/, '')}
                </span>
              ))}
            </div>
          </div>
          <ol className={classes['rows']}>
            {shown.map((row) => (
              <Row key={row.key} row={row} labels={labels} at={scale.at} now={now} />
            ))}
          </ol>
          {rows.length > shownFirst && (
            <button type="button" className={classes['more']} aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? 'Show fewer' : `Show all ${formatCount(rows.length)}`}
            </button>
          )}
        </>
      )}
    </section>
  );
}

function Row({ row, labels, at, now }: { row: Span; labels: ClassLabels; at: (time: number) => number; now: number }) {
  const { alert, count, active, began, ended, acknowledged } = row;
  const from = at(began);
  const width = at(ended ?? now) - from;
  return (
    <li className={classes['row']}>
      <div className={classes['what']}>
        <HealthIcon health={alert.severity} size={15} />
        <div>
          {count > 1 ? (
            <>
              <b className="number">{formatCount(count)}</b> × {labels.label(`${alert.plugin}.${alert.class}`)}
            </>
          ) : (
            <ResourceLink id={alert.resource}>{alert.resource_name}</ResourceLink>
          )}
          <div className="muted">{alert.message}</div>
        </div>
      </div>
      <div className={classes['track']}>
        <span className={classes['bar']} data-severity={alert.severity} data-ended={ended !== undefined || undefined} style={{ left: `${from * 100}%`, width: `${width * 100}%` }} />
        {acknowledged.map((a) => (
          <span key={a.time} className={classes['known']} style={{ left: `${at(a.time) * 100}%` }} title={`acknowledged by ${a.user}: ${a.comment}`} />
        ))}
      </div>
      <div className={classes['words']}>
        began <time dateTime={new Date(began).toISOString()} title={formatTime(new Date(began).toISOString())}>{formatTimeShort(new Date(began).toISOString(), now)}</time>
        {ended !== undefined ? ` · ended after ${formatDuration(ended - began)}` : count > 1 && active < count ? ` · ${formatCount(active)} active still` : ' · active'}
        {acknowledged.map((a) => (
          <span key={a.time}>
            {' '}
            · acknowledged {a.user !== '' && `by ${a.user} `}
            <time dateTime={new Date(a.time).toISOString()}>{formatTimeShort(new Date(a.time).toISOString(), now)}</time>
            {a.comment !== '' && `: ${a.comment}`}
          </span>
        ))}
      </div>
    </li>
  );
}
