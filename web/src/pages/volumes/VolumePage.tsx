import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { volumeQuery } from '../../api/queries';
import { sentence } from '../../format/text';
import { parseID } from '../../format/id';
import { Fact, Facts } from '../../ui/Facts';
import { Heading } from '../../ui/Heading';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Note } from '../../ui/Note';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { standingHealth } from '../../ui/standing';
import { HeadingShape, Waiting } from '../../ui/Waiting';
import { Candidates } from './Candidates';
import { Chosen } from './Chosen';
import { Decide } from './Decide';
import { Nodes } from './Nodes';
import { haName } from './words';
import classes from './VolumePage.module.css';

const route = getRouteApi('/volumes/$id');

/** One volume: who uses it, on which host it should be used, and why there. */
export function VolumePage() {
  const { id } = route.useParams();
  const n = parseID(id);
  const { data: volume, error } = useQuery({ ...volumeQuery(n ?? 0), enabled: n !== undefined });
  if (n === undefined || (error instanceof ProblemError && error.status === 404)) {
    return (
      <Message page title="There is no such volume">
        <p>
          {n !== undefined && error ? errorText(error) : 'The id of a volume is a positive number.'} <Link to="/volumes">All volumes</Link>
        </p>
      </Message>
    );
  }
  if (!volume) {
    if (error) {
      return (
        <Message page title="The volume cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      );
    }
    return <Shape />;
  }
  return <Volume key={volume.id} volume={volume} />;
}

function Volume({ volume: v }: { volume: Schema['Volume'] }) {
  return (
    <Page title={v.name}>
      <Heading trail={<Link to="/volumes">Volumes</Link>} standing={v.state} title={v.name} />
      {v.state_why !== '' && (
        <Note health={standingHealth(v.state)}>
          {sentence(v.state_why)}
          {!v.detached && (
            <p>
              <ResourceLink id={v.id}>What it depends on, and why it is not well</ResourceLink>
            </p>
          )}
        </Note>
      )}
      <section className="panel" aria-label="About the volume">
        <Facts>
          <Fact name="Size">{v.size_text ?? <None />}</Fact>
          <Fact name="Kind">{v.kind}</Fact>
          <Fact name="Written on it">{v.filesystem_type === '' ? 'nothing known' : v.filesystem_type}</Fact>
          <Fact name="In use by">
            {v.used_by.length === 0 ? (
              <span>nothing{v.usable && '; a target may be placed on it'}</span>
            ) : (
              v.used_by.map((u, i) => (
                <span key={u.id}>
                  {i > 0 && ', '}
                  <ResourceLink id={u.id}>{u.name}</ResourceLink>
                </span>
              ))
            )}
          </Fact>
          <Fact name="High availability">{haName(v.ha)}</Fact>
          <Fact name="In the graph">
            {v.detached ? (
              'its drive is no longer seen'
            ) : (
              <ResourceLink id={v.id}>
                {v.kind} {v.label}
              </ResourceLink>
            )}
          </Fact>
        </Facts>
      </section>
      <div className={classes['columns']}>
        <div className={classes['column']}>
          <Chosen volume={v} />
          <Candidates volume={v} />
        </div>
        <div className={classes['column']}>
          <Decide volume={v} />
        </div>
      </div>
      <Nodes nodes={v.nodes} />
    </Page>
  );
}

function Shape() {
  return (
    <Waiting>
      <HeadingShape />
      <Skeleton height={62} />
      <div className={classes['columns']}>
        <Skeleton height={260} />
        <Skeleton height={260} />
      </div>
    </Waiting>
  );
}
