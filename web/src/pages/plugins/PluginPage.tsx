import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { pluginsQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { formatTime } from '../../format/time';
import { Fact, Facts } from '../../ui/Facts';
import { Heading } from '../../ui/Heading';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Note } from '../../ui/Note';
import { Page } from '../../ui/Page';
import { useClasses } from '../../ui/useClasses';
import { HeadingShape, Waiting } from '../../ui/Waiting';
import { Acts } from './Acts';
import { Budgets } from './Budgets';
import { LogTail } from './LogTail';
import { PluginLink } from './PluginLink';
import classes from './PluginPage.module.css';
import { Problems } from './Problems';
import { Scans } from './Scans';
import { placeName, pluginHealth, pluginStateName } from './words';

const route = getRouteApi('/plugins/$name');

/** One plugin where it runs: what is wrong with it, what it uses, what it logs. */
export function PluginPage() {
  const { name } = route.useParams();
  const { runner } = route.useSearch();
  const { data, error } = useQuery({ ...pluginsQuery, refetchInterval: 5000 });
  if (!data) {
    if (error) {
      return (
        <Message page title="The plugin cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      );
    }
    return <Shape />;
  }
  const all = data.items.filter((p) => p.name === name);
  // As the server does: its own comes first, then the one that a runner has.
  const plugin = all.find((p) => p.runner === runner) ?? (runner === undefined ? all[0] : undefined);
  if (!plugin) {
    return (
      <Message page title="There is no such plugin">
        <p>
          {runner === undefined ? `Nobody has a plugin ${name}.` : `Runner ${runner} has no plugin ${name}, or is not there.`} <Link to="/plugins">All plugins</Link>
        </p>
      </Message>
    );
  }
  return <Plugin key={`${plugin.runner ?? ''}/${plugin.name}`} plugin={plugin} others={all.filter((p) => p !== plugin)} />;
}

function Plugin({ plugin: p, others }: { plugin: Schema['Plugin']; others: Schema['Plugin'][] }) {
  const labels = useClasses();
  return (
    <Page title={`Plugin ${p.name}`}>
      <Heading trail={<Link to="/plugins">Plugins</Link>} health={pluginHealth(p)} title={p.name} state={pluginStateName(p.state)}>
        <Acts plugin={p} />
      </Heading>
      <Problems plugin={p} />
      {p.outdated === true && p.rejected === undefined && (
        <Note health="info">Its files changed since they were loaded. Reload shows what they declare otherwise, before anything is done.</Note>
      )}
      <section className="panel" aria-label="About the plugin">
        <Facts>
          <Fact name="Runs at">
            {placeName(p)}
            {others.map((o) => (
              <span key={o.runner ?? ''}>
                , also <PluginLink plugin={o}>{placeName(o).toLowerCase()}</PluginLink>
              </span>
            ))}
          </Fact>
          <Fact name="Version">{p.version === '' ? <None /> : p.version}</Fact>
          <Fact name="Written with">{p.sdk.name === '' ? <None /> : `${p.sdk.name} SDK ${p.sdk.version}`}</Fact>
          <Fact name="Loaded">{p.loaded === undefined ? 'not' : formatTime(p.loaded)}</Fact>
          <Fact name="Sessions">
            {formatCount(p.sessions)} live of {formatCount(Math.max(p.roots ?? 0, p.sessions))}
          </Fact>
          <Fact name="Restarts">{formatCount(p.restarts)}</Fact>
          <Fact name="Process">{p.pid ?? <None />}</Fact>
          <Fact name="From">
            {p.from === undefined || p.from === 'server' ? 'part of the server' : `the ${p.from}`}, <code>{p.path}</code>
          </Fact>
        </Facts>
      </section>
      <div className={classes['columns']}>
        <Budgets plugin={p} />
        <Scans plugin={p} />
      </div>
      <LogTail plugin={p} />
      <section className="panel" aria-labelledby="classes">
        <header>
          <h2 id="classes">Classes</h2>
          <span className="muted number">{formatCount(p.classes.length)}</span>
        </header>
        {p.classes.length === 0 ? (
          <p className={classes['none']}>None is known, since it has not run.</p>
        ) : (
          <ul className={classes['classes']}>
            {p.classes.map((full) => (
              <li key={full}>
                <Link to="/resources/$plugin/$class" params={{ plugin: p.name, class: full.slice(full.indexOf('.') + 1) }}>
                  {labels.label(full)}
                </Link>{' '}
                <span className="muted number">{formatCount(labels.get(full)?.count ?? 0)}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </Page>
  );
}

function Shape() {
  return (
    <Waiting>
      <HeadingShape />
      <Skeleton height={62} />
      <div className={classes['columns']}>
        <Skeleton height={200} />
        <Skeleton height={200} />
      </div>
      <Skeleton height={340} />
    </Waiting>
  );
}
