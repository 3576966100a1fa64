import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useWatch } from '../../api/live';
import { errorText, ProblemError } from '../../api/problem';
import { causesQuery, graphQuery, impactQuery, resourceQuery } from '../../api/queries';
import { useClasses } from '../../ui/useClasses';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { Alerts } from './Alerts';
import { Attributes } from './Attributes';
import { GraphPanel } from './GraphPanel';
import { Impact } from './Impact';
import classes from './ResourcePage.module.css';
import { Session } from './Session';
import { Statistics } from './Statistics';
import { Title } from './Title';
import { Why } from './Why';

const route = getRouteApi('/resource/$id');

/** Everything about one resource. */
export function ResourcePage() {
  const { id } = route.useParams();
  const n = Number(id);
  if (!Number.isSafeInteger(n) || n < 1) {
    return (
      <Message page title="There is no such resource">
        <p>The id of a resource is a positive number.</p>
      </Message>
    );
  }
  // Another resource is another page: nothing unfolded or half typed comes along.
  return <ResourceByID key={n} id={n} />;
}

function ResourceByID({ id }: { id: number }) {
  const { view } = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useClasses();
  const { data: resource, error } = useQuery(resourceQuery(id));
  const { data: causes } = useQuery({ ...causesQuery(id), enabled: resource !== undefined && resource.health !== 'ok' });
  const { data: impact } = useQuery(impactQuery(id));
  const { data: graph } = useQuery(graphQuery(id));
  useWatch(resource && Object.keys(resource.statistics).length > 0 ? [id] : []);

  if (error instanceof ProblemError && error.status === 404) {
    return (
      <Message page title="This resource is gone">
        <p>It was removed, or nothing reports it any more.</p>
      </Message>
    );
  }
  if (!resource) {
    if (error) {
      return (
        <Message page title="The resource cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      );
    }
    return <Waiting />;
  }
  return (
    <Page title={resource.name}>
      <Title resource={resource} labels={labels} />
      {resource.session && <Session session={resource.session} />}
      {resource.health !== 'ok' && <Why resource={resource} causes={causes} graph={graph} labels={labels} />}
      <div className={classes['columns']}>
        <Column>
          <Attributes resource={resource} cls={labels.get(`${resource.plugin}.${resource.class}`)} />
        </Column>
        <Column>
          <Statistics resource={resource} cls={labels.get(`${resource.plugin}.${resource.class}`)} />
          <Alerts resource={resource} causes={causes} />
          <Impact impact={impact} labels={labels} />
        </Column>
      </div>
      <GraphPanel
        graph={graph}
        impact={impact}
        start={id}
        labels={labels}
        view={view}
        onView={(next) => void navigate({ search: { view: next }, replace: true, resetScroll: false })}
      />
    </Page>
  );
}

function Column({ children }: { children: ReactNode }) {
  return <div className={classes['column']}>{children}</div>;
}

function Waiting() {
  return (
    <Page title="">
      <div aria-hidden="true" className={classes['waiting']}>
        <Skeleton height={16} width={180} />
        <Skeleton height={28} width={320} mt={8} />
      </div>
      <div className={classes['columns']} aria-hidden="true">
        <Skeleton height={330} />
        <Skeleton height={330} />
      </div>
      <Skeleton height={480} aria-hidden="true" />
      <p className="visually-hidden" role="status">
        Loading
      </p>
    </Page>
  );
}
