import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { pluginsQuery } from '../../api/queries';
import { errorText } from '../../api/problem';
import { formatBytes } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { Until } from '../../ui/Time';
import classes from './PluginsPage.module.css';

const healthOf = { running: 'ok', starting: 'info', backoff: 'warning', failed: 'error', stopped: 'info' } as const;
const stateNames = { running: 'Running', starting: 'Starting', backoff: 'Waiting to start again', failed: 'Failed', stopped: 'Unloaded' } as const;

/** The configured plugins, and what is wrong with those that do not run. */
export function PluginsPage() {
  const { data, error } = useQuery(pluginsQuery);
  return (
    <Page title="Plugins">
      <h1>Plugins</h1>
      {error && !data && (
        <Message title="The plugins cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      )}
      {!data && !error && <Skeleton height={220} />}
      {data?.items.length === 0 && (
        <Message title="No plugin is configured">
          <p>
            Name plugins in the server’s configuration, or with <code>faultline serve --plugin PATH</code>.
          </p>
        </Message>
      )}
      {data?.items.map((p) => (
        <section className="panel" key={`${p.runner ?? ''}/${p.name}`} aria-label={`Plugin ${p.name}${p.runner === undefined ? '' : ` at runner ${p.runner}`}`}>
          <header>
            <HealthIcon health={healthOf[p.state]} silent />
            <h2>{p.name}</h2>
            <span className="muted">{stateNames[p.state]}</span>
          </header>
          <div className={classes['body']}>
            {(p.error !== '' || p.problems.length > 0 || p.rejected !== undefined) && (
              <div className={classes['error']}>
                {p.rejected !== undefined && <p>The new version was not loaded: {p.rejected}</p>}
                {p.error}
                {p.next_try !== undefined && (
                  <>
                    {' '}
                    It is started again <Until time={p.next_try} />.
                  </>
                )}
                <ul>
                  {p.problems.map((x, i) => (
                    <li key={i}>
                      {x.file !== undefined && (
                        <code>
                          {x.file}
                          {x.line !== undefined && `:${x.line}`}
                        </code>
                      )}{' '}
                      {x.where !== undefined && `${x.where}: `}
                      {x.text}
                      {x.fix !== undefined && `; ${x.fix}`}
                      {x.code !== undefined && ` [${x.code}]`}
                    </li>
                  ))}
                </ul>
              </div>
            )}
            <dl className={classes['facts']}>
              <Fact name="From">
                <code>{p.path}</code>
              </Fact>
              <Fact name="Kind">{p.kind}</Fact>
              {p.runner !== undefined && <Fact name="Runner">{p.runner}</Fact>}
              <Fact name="Controllers">{p.sessions}</Fact>
              <Fact name="Classes">{p.classes.length}</Fact>
              <Fact name="Restarts">{p.restarts}</Fact>
              {p.memory !== undefined && <Fact name="Memory">{formatBytes(p.memory)}</Fact>}
              {p.cpu !== undefined && <Fact name="CPU time">{p.cpu.toFixed(1)} s</Fact>}
              {p.pid !== undefined && <Fact name="Process">{p.pid}</Fact>}
            </dl>
          </div>
        </section>
      ))}
    </Page>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{children}</dd>
    </div>
  );
}
