import { Skeleton } from '@mantine/core';
import { useQueries, useQuery } from '@tanstack/react-query';
import type { Schema } from '../../api/client';
import { reportedQuery, resourceQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { severities } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import classes from './HostPage.module.css';

const asked = 100;
const shown = 12;
const order = ['ok', 'info', 'warning', 'error'];

/** What is not well of the host and of what it reports, the causes before what they affect. */
export function Sick({ host }: { host: Schema['Host'] }) {
  const roots = host.plugins.flatMap((p) => p.root ?? []);
  const { data: own } = useQuery(resourceQuery(host.id));
  const lists = useQueries({ queries: roots.map((scope) => reportedQuery({ scope, health: [...severities], sort: '-health', limit: asked })) });
  const known = own !== undefined && lists.every((l) => l.data !== undefined || l.error !== null);
  const all = new Map([own, ...lists.flatMap((l) => l.data?.items ?? [])].flatMap((r) => (r && r.health !== 'ok' ? [[r.id, r] as const] : [])));
  const rows = [...all.values()].sort(
    (a, b) => Number(b.own_alerts.length > 0) - Number(a.own_alerts.length > 0) || order.indexOf(b.health) - order.indexOf(a.health) || a.id - b.id,
  );
  const more = rows.length - shown;
  const cut = lists.some((l) => l.data?.next !== undefined);
  return (
    <section className="panel" aria-labelledby="sick">
      <header>
        <h2 id="sick">What is not well</h2>
        {known && rows.length > 0 && (
          <span className="muted number">
            {cut && 'more than '}
            {formatCount(rows.length)}
          </span>
        )}
      </header>
      {!known ? (
        <div className={classes['sick']} aria-hidden="true">
          <Skeleton height={30} m="sm" width="auto" />
          <Skeleton height={30} m="sm" width="auto" />
        </div>
      ) : rows.length === 0 ? (
        <p className={classes['none']}>
          <HealthIcon health="ok" silent /> No condition holds on the host or on what it reports.
        </p>
      ) : (
        <ul className={classes['sick']}>
          {rows.slice(0, shown).map((r) => (
            <li key={r.id}>
              <HealthIcon health={r.health} />
              <div className={classes['what']}>
                <ResourceLink id={r.id}>{r.name}</ResourceLink>
                <div className={classes['message']}>{why(r)}</div>
              </div>
            </li>
          ))}
          {more > 0 && <li className="muted">and {cut ? 'many' : formatCount(more)} more</li>}
        </ul>
      )}
    </section>
  );
}

function why(r: Schema['Resource']): string {
  const own = r.own_alerts[0];
  if (own) return own.message;
  const from = r.inherited_alerts[0];
  return from ? `affected by ${from.resource_name}: ${from.message}` : '';
}
