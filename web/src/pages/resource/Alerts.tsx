import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago } from '../../ui/Time';
import classes from './Alerts.module.css';

interface Props {
  resource: Schema['Resource'];
  causes: Schema['Causes'] | undefined;
}

const shown = 12;

/** The resource's own alerts, and those that come to it from its ancestors. */
export function Alerts({ resource, causes }: Props) {
  const names = new Map(causes?.items.map((c) => [c.resource.id, c.resource.name]));
  const inherited = resource.inherited_alerts;
  const inheritedCount = resource.inherited_alerts_count ?? inherited.length;
  return (
    <section className="panel" aria-labelledby="alerts">
      <header>
        <h2 id="alerts">Alerts</h2>
        <span className="muted number">
          {formatCount(resource.own_alerts.length)} own, {formatCount(inheritedCount)} inherited
        </span>
      </header>
      {resource.own_alerts.length + inherited.length === 0 ? (
        <p className={classes['none']}>
          <HealthIcon health="ok" silent /> No condition holds on it or on what it depends on.
        </p>
      ) : (
        <ul className={classes['list']}>
          {resource.own_alerts.map((a) => (
            <Line key={a.id} alert={a} />
          ))}
          {inherited.slice(0, shown).map((a) => (
            <Line key={a.id} alert={a} from={names.get(a.resource) ?? a.resource_name} />
          ))}
          {inheritedCount > shown && <li className="muted">and {formatCount(inheritedCount - Math.min(shown, inherited.length))} more inherited ones</li>}
        </ul>
      )}
    </section>
  );
}

function Line({ alert, from }: { alert: Schema['AlertSummary']; from?: string }) {
  return (
    <li>
      <HealthIcon health={alert.severity} />
      <div className={classes['body']}>
        {alert.message}
        {from !== undefined && (
          <div className={`${classes['from'] ?? ''} text`}>
            from <ResourceLink id={alert.resource}>{from}</ResourceLink>
          </div>
        )}
      </div>
      <span className={classes['time']}>
        <Ago time={alert.began} />
      </span>
    </li>
  );
}
