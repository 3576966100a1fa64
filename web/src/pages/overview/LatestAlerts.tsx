import { Skeleton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { alertsQuery } from '../../api/queries';
import { affectedTotal } from '../../format/alert';
import { formatCount } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago } from '../../ui/Time';
import classes from './LatestAlerts.module.css';

const shown = 8;

/** The alerts that began last. */
export function LatestAlerts() {
  const { data } = useInfiniteQuery(alertsQuery({ active: true, limit: shown }));
  const items = data?.pages[0]?.items;
  return (
    <section className="panel" aria-labelledby="latest">
      <header>
        <h2 id="latest">Latest alerts</h2>
        <Link to="/alerts">All alerts</Link>
      </header>
      {items ? (
        <ul className={classes['list']}>
          {items.map((a) => {
            const affected = affectedTotal(a.affected.counts);
            return (
              <li key={a.id}>
                <HealthIcon health={a.severity} />
                <div className={classes['body']}>
                  <div>
                    <ResourceLink id={a.resource}>{a.resource_name}</ResourceLink>
                  </div>
                  <div className={classes['message']}>
                    {a.message}
                    {affected > 0 && <span className="muted"> · affects {formatCount(affected)}</span>}
                    {a.affected.filesystems.length > 0 && (
                      <span className={classes['danger']}>
                        {' '}
                        · endangers {a.affected.filesystems.slice(0, 3).map((f) => f.name).join(', ')}
                        {a.affected.filesystems.length > 3 && ' …'}
                      </span>
                    )}
                  </div>
                </div>
                <span className={classes['time']}>
                  <Ago time={a.began} />
                </span>
              </li>
            );
          })}
          {items.length === 0 && (
            <li className="muted">
              <HealthIcon health="ok" silent /> No condition holds. All is well.
            </li>
          )}
        </ul>
      ) : (
        <div className={classes['list']} aria-hidden="true">
          {Array.from({ length: 4 }, (_, i) => (
            <Skeleton key={i} height={34} m="sm" width="auto" />
          ))}
        </div>
      )}
    </section>
  );
}
