import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { healthName, severities } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { useClasses } from '../../ui/useClasses';
import classes from './ClassHealth.module.css';

const healths = [...severities, 'ok'] as const;

type Count = Schema['Status']['resources']['classes'][number];

/** The classes of each plugin; they come in the order of their plugins. */
function plugins(all: Count[]): [string, Count[]][] {
  return [...new Set(all.map((c) => c.plugin))].map((plugin) => [plugin, all.filter((c) => c.plugin === plugin)]);
}

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
                <th scope="col" className="right">
                  All
                </th>
                {healths.map((h) => (
                  <th scope="col" className="right" key={h}>
                    {healthName(h)}
                  </th>
                ))}
              </tr>
            </thead>
            {plugins(status.resources.classes).map(([plugin, members]) => (
              <tbody key={plugin}>
                <tr className={classes['plugin']}>
                  <th scope="rowgroup" colSpan={2 + healths.length}>
                    {plugin}
                  </th>
                </tr>
                {members.map((c) => (
                  <Row key={c.full} of={c} label={labels.label(c.full)} />
                ))}
              </tbody>
            ))}
          </table>
          {status.resources.classes.length === 0 && <p className="muted">No resource has been reported yet.</p>}
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

function Row({ of: c, label }: { of: Count; label: string }) {
  const there = { to: '/resources/$plugin/$class', params: { plugin: c.plugin, class: c.name } } as const;
  return (
    <tr>
      <th scope="row">
        <Link {...there}>{label}</Link>
      </th>
      <td className="right">{formatCount(c.count)}</td>
      {healths.map((h) => (
        <td className="right" key={h}>
          {c.health[h] === 0 ? (
            <span className="muted">–</span>
          ) : h === 'ok' ? (
            formatCount(c.health[h])
          ) : (
            <Link {...there} search={{ health: h }} className={classes['bad']} aria-label={`${c.health[h]} with health ${healthName(h)}`}>
              <HealthIcon health={h} size={13} silent />
              {formatCount(c.health[h])}
            </Link>
          )}
        </td>
      ))}
    </tr>
  );
}
