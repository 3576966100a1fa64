import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, type ReactNode } from 'react';
import { errorText, ProblemError } from '../../api/problem';
import { causesQuery, classesQuery, graphQuery, impactQuery, resourceQuery } from '../../api/queries';
import type { BoardSearch } from '../../charts/board';
import { Charts, given } from '../../charts/Charts';
import { intervalText, timeText } from '../../charts/range';
import { parseID } from '../../format/id';
import { fullClass } from '../../ui/classes';
import { useClasses } from '../../ui/useClasses';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { HeadingShape, Waiting } from '../../ui/Waiting';
import { Alerts } from './Alerts';
import { Attributes } from './Attributes';
import { GraphPanel, type GraphSearch } from './GraphPanel';
import { History } from './History';
import { Impact } from './Impact';
import classes from './ResourcePage.module.css';
import { Session } from './Session';
import { RawJSON } from './RawJSON';
import { Relatives } from './Relatives';
import { Title } from './Title';
import { Why } from './Why';

const route = getRouteApi('/resource/$id');

/** How much the charts show on either side of a moment of the history, in milliseconds. */
const aroundMoment = 30 * 60_000;

/** Everything about one resource. */
export function ResourcePage() {
  const { id } = route.useParams();
  const n = parseID(id);
  if (n === undefined) {
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
  const { view, open, linked, raw, ...charts } = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useClasses();
  const { isPending: classesPending } = useQuery(classesQuery);
  const { data: resource, error } = useQuery(resourceQuery(id));
  const { data: causes } = useQuery({ ...causesQuery(id), enabled: resource !== undefined && resource.health !== 'ok' });
  const { data: impact } = useQuery(impactQuery(id));
  const { data: graph } = useQuery(graphQuery(id));
  const setCharts = useCallback(
    (next: BoardSearch, replace: boolean) =>
      void navigate({ search: (now) => ({ ...given({ view: now.view, open: now.open, linked: now.linked, raw: now.raw }), ...given(next) }), replace, resetScroll: false }),
    [navigate],
  );
  const set = useCallback((change: GraphSearch & { linked?: string; raw?: string }) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true, resetScroll: false }), [navigate]);

  if (error instanceof ProblemError && error.status === 404) {
    return (
      <Page title="This resource is gone">
        <Message page title="This resource is gone">
          <p>It was removed, or nothing reports it any more.</p>
        </Message>
        <History id={id} />
      </Page>
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
    return <Shape />;
  }
  // Whether there are charts stands in the class; what comes later would move the rest.
  if (classesPending) return <Shape />;
  const cls = labels.get(fullClass(resource));
  const charted = cls !== undefined && cls.charts.length > 0;
  const showMoment = (t: number) => {
    setCharts({ ...charts, zoom: intervalText({ from: t - aroundMoment, to: t + aroundMoment }), at: timeText(t) }, false);
    document.getElementById('charts')?.scrollIntoView({ block: 'start' });
  };
  return (
    <Page title={resource.name}>
      <Title resource={resource} labels={labels} />
      {resource.session && <Session session={resource.session} />}
      {resource.health !== 'ok' && <Why resource={resource} causes={causes} graph={graph} labels={labels} />}
      {charted && <Charts resource={id} search={charts} onSearch={setCharts} />}
      <div className={classes['columns']}>
        <Column>
          <Attributes resource={resource} cls={cls} />
        </Column>
        <Column>
          <Alerts resource={resource} causes={causes} />
          <Impact impact={impact} labels={labels} />
          <History id={id} onMoment={charted ? showMoment : undefined} />
        </Column>
      </div>
      <Relatives resource={resource} graph={graph} labels={labels} explained={parseID(linked ?? '')} onExplain={(other) => set({ linked: other === undefined ? '' : String(other) })} />
      <GraphPanel id={id} labels={labels} search={{ view, open }} onSearch={set} />
      <RawJSON resource={resource} open={raw !== undefined} onOpen={(next) => set({ raw: next ? 'open' : '' })} />
    </Page>
  );
}

function Column({ children }: { children: ReactNode }) {
  return <div className={classes['column']}>{children}</div>;
}

function Shape() {
  return (
    <Waiting>
      <HeadingShape />
      <div className={classes['columns']}>
        <Skeleton height={330} />
        <Skeleton height={330} />
      </div>
      <Skeleton height={480} />
    </Waiting>
  );
}
