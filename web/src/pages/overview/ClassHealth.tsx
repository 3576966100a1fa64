import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { healthName, severities } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { useClasses } from '../../ui/useClasses';
import classes from './ClassHealth.module.css';

/** How many resources of each class are well, and how many are not. */
export function ClassHealth({ status }: { status: Schema['Status'] | undefined }) {
  const labels = useClasses();
  return (
    <section className="panel" aria-labelledby="classes">
      <header>
        <h2 id="classes">Health by class</h2>
      </header>
      {status ? (
        <div className={classes['scroller']} tabIndex={0} role="group" aria-label="Table of health by class">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col" className={classes['plugin']}>
                Plugin
              </th>
              <th scope="col" className="right">
                All
              </th>
              {severities.map((s) => (
                <th scope="col" className="right" key={s}>
                  {healthName(s)}
                </th>
              ))}
              <th scope="col" className="right">
                {healthName('ok')}
              </th>
            </tr>
          </thead>
          <tbody>
            {status.resources.classes.map((c) => (
              <tr key={c.full}>
                <th scope="row">
                  <Link to="/resources/$plugin/$class" params={{ plugin: c.plugin, class: c.name }}>
                    {labels.label(c.full)}
                  </Link>
                </th>
                <td className={`${classes['plugin'] ?? ''} muted`}>{c.plugin}</td>
                <td className="right">{formatCount(c.count)}</td>
                {[...severities, 'ok' as const].map((h) => (
                  <td className="right" key={h}>
                    {c.health[h] === 0 ? (
                      <span className="muted">–</span>
                    ) : h === 'ok' ? (
                      formatCount(c.health[h])
                    ) : (
                      <Link
                        to="/resources/$plugin/$class"
                        params={{ plugin: c.plugin, class: c.name }}
                        search={{ health: h }}
                        className={classes['bad']}
                        aria-label={`${c.health[h]} with health ${healthName(h)}`}
                      >
                        <HealthIcon health={h} size={13} silent />
                        {formatCount(c.health[h])}
                      </Link>
                    )}
                  </td>
                ))}
              </tr>
            ))}
            {status.resources.classes.length === 0 && (
              <tr>
                <td colSpan={7} className="muted">
                  No resource has been reported yet.
                </td>
              </tr>
            )}
          </tbody>
        </table>
        </div>
      ) : (
        <div aria-hidden="true">
          {Array.from({ length: 8 }, (_, i) => (
            <Skeleton key={i} height={18} m="sm" width="auto" />
          ))}
        </div>
      )}
    </section>
  );
}
