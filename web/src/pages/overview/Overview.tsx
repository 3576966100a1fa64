import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { classesQuery, controllersQuery, pluginsQuery, statusQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { healthName, severities } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { formFields } from '../add/form';
import { ClassHealth } from './ClassHealth';
import { Controllers } from './Controllers';
import { LatestAlerts } from './LatestAlerts';
import classes from './Overview.module.css';

/** The state of everything at a glance. */
export function Overview() {
  const { data: status, error } = useQuery(statusQuery);
  const { data: roots } = useQuery(controllersQuery);
  if (error && !status) {
    return (
      <Message page title="The server cannot be asked" alert>
        <p>{errorText(error)} The page tries again by itself.</p>
      </Message>
    );
  }
  return (
    <Page title="">
      <h1 className="visually-hidden">Overview</h1>
      <ul className={classes['tiles']} aria-label="Active alerts and resources">
        {severities.map((severity) => {
          const n = status?.alerts[severity];
          return (
            <li key={severity}>
              <Link to="/alerts" search={{ severity }} className={classes['tile']} data-severity={n ? severity : 'none'}>
                <HealthIcon health={severity} size={26} silent />
                <span>
                  <strong>{n === undefined ? <Skeleton width={34} height={24} /> : formatCount(n)}</strong>
                  <span className={classes['what']}>{n === 1 ? severity : `${severity}s`}</span>
                </span>
              </Link>
            </li>
          );
        })}
        <li>
          <div className={classes['tile']} data-severity="none">
            <span className={classes['wide']}>
              <span className={classes['resources']}>
                <strong>{status ? formatCount(status.resources.total) : <Skeleton width={60} height={24} />}</strong>
                <span className={classes['what']}>resources</span>
              </span>
              <HealthBar counts={status?.resources.health} total={status?.resources.total ?? 0} />
            </span>
          </div>
        </li>
      </ul>
      {status?.resources.total === 0 && roots?.items.length === 0 ? (
        <Welcome />
      ) : (
        <div className={classes['columns']}>
          <div className={classes['column']}>
            <LatestAlerts />
            <ClassHealth status={status} />
          </div>
          <div className={classes['column']}>
            <Controllers />
          </div>
        </div>
      )}
    </Page>
  );
}

const order = ['error', 'warning', 'info', 'ok'] as const;

function HealthBar({ counts, total }: { counts: Schema['HealthCounts'] | undefined; total: number }) {
  const text = counts ? order.filter((h) => counts[h] > 0).map((h) => `${formatCount(counts[h])} ${healthName(h)}`).join(', ') : '';
  return (
    <span className={classes['bar']} role="img" aria-label={`By health: ${text}`} title={text}>
      {counts && total > 0 && order.map((h) => counts[h] > 0 && <span key={h} data-health={h} style={{ flexGrow: Math.max(counts[h] / total, 0.012) }} />)}
    </span>
  );
}

/** The command that adds a controller of the first class that can be added. */
function addCommand(classes: Schema['Class'][]): string {
  const cls = classes.find((c) => c.scannable);
  if (!cls) return 'faultline add PLUGIN.CLASS name=value ...';
  const needed = formFields(cls).filter((f) => f.required);
  return ['faultline add', cls.full, ...needed.map((f) => `${f.name}=...`)].join(' ');
}

/** What to do on a server that knows nothing yet. */
function Welcome() {
  const { data: plugins } = useQuery(pluginsQuery);
  const { data: declared } = useQuery(classesQuery);
  const none = plugins?.items.length === 0;
  return (
    <section className="panel">
      {none ? (
        <Message title="No plugin is loaded">
          <p>Plugins teach Faultline about storage hardware. Name one when you start the server:</p>
          <pre>
            <code>faultline serve --plugin builtin:redfish</code>
          </pre>
        </Message>
      ) : (
        <Message title="No controller yet">
          <p>
            Add the first one, and what its plugin finds behind it, from fans to file systems, appears here. In a terminal the same is done with:
          </p>
          <pre>
            <code>{addCommand(declared?.items ?? [])}</code>
          </pre>
          <div>
            <Button component={Link} to="/add" size="sm">
              Add a controller
            </Button>
          </div>
        </Message>
      )}
    </section>
  );
}
