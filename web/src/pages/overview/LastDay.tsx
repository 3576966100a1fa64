import { Skeleton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { alertsQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago, useNow } from '../../ui/Time';
import { changesOf } from './changes';
import classes from './LastDay.module.css';

const asked = 100;
const shown = 8;
const day = 86_400_000;

/** The alerts that began and ended in the last day. */
export function LastDay() {
  const { data: begun } = useInfiniteQuery(alertsQuery({ sort: '-began', limit: asked }));
  const { data: over } = useInfiniteQuery(alertsQuery({ active: false, sort: '-ended', limit: asked }));
  const now = useNow();
  const changes = useMemo(() => begun && over && changesOf([...(begun.pages[0]?.items ?? []), ...(over.pages[0]?.items ?? [])], now - day), [begun, over, now]);
  const count = (what: string) => {
    const n = changes?.filter((c) => c.what === what).length ?? 0;
    return `${formatCount(n)}${n >= asked ? ' or more' : ''} ${what}`;
  };
  return (
    <section className="panel" aria-labelledby="last-day">
      <header>
        <h2 id="last-day">The last day</h2>
        {changes && changes.length > 0 && (
          <span className="muted number">
            {count('began')}, {count('ended')}
          </span>
        )}
        <Link to="/alerts">All alerts</Link>
      </header>
      {changes ? (
        <ul className={classes['list']}>
          {changes.slice(0, shown).map((c) => (
            <li key={c.key}>
              <HealthIcon health={c.what === 'ended' ? 'ok' : c.alert.severity} silent />
              <div className={classes['body']}>
                <ResourceLink id={c.alert.resource}>{c.alert.resource_name}</ResourceLink>
                <div className="muted">
                  {c.what === 'ended' ? 'Over: ' : ''}
                  {c.alert.message}
                  {c.alert.root && ` · ${c.alert.root}`}
                </div>
              </div>
              <span className={classes['time']}>
                <Ago time={c.time} />
              </span>
            </li>
          ))}
          {changes.length === 0 && <li className="muted">No alert began or ended.</li>}
        </ul>
      ) : (
        <div aria-hidden="true">
          {Array.from({ length: 4 }, (_, i) => (
            <Skeleton key={i} height={32} m="sm" width="auto" />
          ))}
        </div>
      )}
    </section>
  );
}
