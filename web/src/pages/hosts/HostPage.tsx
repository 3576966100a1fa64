import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { hostQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { sentence } from '../../format/text';
import { formatTime } from '../../format/time';
import { parseID } from '../../format/id';
import { Counts } from '../../ui/Counts';
import { Fact, Facts } from '../../ui/Facts';
import { Heading } from '../../ui/Heading';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Note } from '../../ui/Note';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { sessionName, SessionMark } from '../../ui/SessionMark';
import { SeverityCounts } from '../../ui/SeverityCounts';
import { Ago } from '../../ui/Time';
import { useClasses } from '../../ui/useClasses';
import { HeadingShape, Waiting } from '../../ui/Waiting';
import classes from './HostPage.module.css';
import { HostVolumes } from './HostVolumes';
import { reported } from './list';
import { Mounts } from './Mounts';
import { RemoveHost } from './RemoveHost';
import { Sick } from './Sick';
import { hostHealth, hostStateName } from './states';

const route = getRouteApi('/hosts/$id');

/** One host: its agent, what it reports, and what is wrong there. */
export function HostPage() {
  const { id } = route.useParams();
  const n = parseID(id);
  const { data: host, error } = useQuery({ ...hostQuery(n ?? 0), enabled: n !== undefined });
  if (n === undefined || (error instanceof ProblemError && error.status === 404)) {
    return (
      <Message page title="There is no such host">
        <p>
          It was removed, or never was. <Link to="/hosts">All hosts</Link>
        </p>
      </Message>
    );
  }
  if (!host) {
    if (error) {
      return (
        <Message page title="The host cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      );
    }
    return <Shape />;
  }
  return <Host key={host.id} host={host} />;
}

function Host({ host }: { host: Schema['Host'] }) {
  const labels = useClasses();
  const health = hostHealth(host.state);
  return (
    <Page title={host.name}>
      <Heading trail={<Link to="/hosts">Hosts</Link>} health={health} title={host.name} state={hostStateName(host.state)}>
        <RemoveHost host={host} labels={labels} />
      </Heading>
      {host.advice !== undefined && (
        <Note health={health}>
          {/* It may end in a command, which takes no full stop. */}
          {sentence(host.advice).replace(/\.$/, '')}
          {host.installation !== undefined && (
            <>
              {' '}
              <Link to="/hosts/add" search={{ installation: host.installation }}>
                The latest installation
              </Link>
            </>
          )}
        </Note>
      )}
      <section className="panel" aria-label="About the host">
        <Facts>
          <Fact name="Last contact">{host.last_contact === undefined ? 'never' : <Ago time={host.last_contact} seconds />}</Fact>
          <Fact name="Agent">{host.agent_version ?? <None />}</Fact>
          <Fact name="Address">{host.address ?? <None />}</Fact>
          <Fact name="Booted">{host.booted === undefined ? <None /> : formatTime(host.booted)}</Fact>
          <Fact name="Active alerts">
            <SeverityCounts counts={host.alerts} />
          </Fact>
          <Fact name="In the graph">
            <ResourceLink id={host.id}>{labels.label('faultline.Host')} {host.name}</ResourceLink>
          </Fact>
        </Facts>
      </section>
      <div className={classes['columns']}>
        <div className={classes['column']}>
          <DevicePlugins host={host} />
          <section className="panel" aria-labelledby="reports">
            <header>
              <h2 id="reports">What it reports</h2>
              <span className="muted number">{formatCount(reported(host))} resources</span>
            </header>
            <div className={classes['body']}>
              {reported(host) === 0 ? <span className="muted">Nothing yet.</span> : <Counts counts={host.reports ?? {}} labels={labels} limit={40} />}
            </div>
          </section>
        </div>
        <div className={classes['column']}>
          <Sick host={host} />
        </div>
      </div>
      <HostVolumes host={host} />
      <Mounts host={host} labels={labels} />
    </Page>
  );
}

function DevicePlugins({ host }: { host: Schema['Host'] }) {
  return (
    <section className="panel" aria-labelledby="device-plugins">
      <header>
        <h2 id="device-plugins">Device plugins</h2>
      </header>
      {host.plugins.length === 0 ? (
        <p className={classes['none']}>None has reported yet.</p>
      ) : (
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Plugin</th>
              <th scope="col">Session</th>
              <th scope="col" className="right">
                Resources
              </th>
            </tr>
          </thead>
          <tbody>
            {host.plugins.map((p) => (
              <tr key={p.name}>
                <th scope="row">
                  <Link to="/plugins/$name" params={{ name: p.name }}>
                    {p.name}
                  </Link>
                </th>
                <td>
                  <span className={classes['session']}>
                    <SessionMark state={p.session} silent />
                    {p.root === undefined ? sessionName(p.session) : <ResourceLink id={p.root}>{sessionName(p.session)}</ResourceLink>}
                  </span>
                </td>
                <td className="right">{formatCount(p.resources)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Shape() {
  return (
    <Waiting>
      <HeadingShape />
      <Skeleton height={62} />
      <div className={classes['columns']}>
        <Skeleton height={240} />
        <Skeleton height={240} />
      </div>
    </Waiting>
  );
}
