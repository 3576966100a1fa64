import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import type { Schema } from '../../api/client';
import { useWatch } from '../../api/live';
import { errorText, ProblemError } from '../../api/problem';
import { incidentQuery, resourceQuery, timelineQuery } from '../../api/queries';
import type { BoardSearch } from '../../charts/board';
import { Charts, given } from '../../charts/Charts';
import { affectedTotal } from '../../format/alert';
import { formatCount } from '../../format/number';
import { formatOpen, parseOpen, type Open } from '../../graph/layers';
import { LayersPanel } from '../../graph/LayersPanel';
import { useGraphView, ViewSwitch } from '../../graph/ViewSwitch';
import { parseID } from '../../format/id';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { Counts } from '../../ui/Counts';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago, When } from '../../ui/Time';
import { useClasses } from '../../ui/useClasses';
import { Waiting } from '../../ui/Waiting';
import { AcknowledgeIncident } from './AcknowledgeIncident';
import classes from './IncidentPage.module.css';
import { Place } from './Place';
import { Timeline } from './Timeline';

const route = getRouteApi('/incidents/$id');
const day = 86_400_000;

/** One incident: its cause, the way it takes, its alerts and what it endangers. */
export function IncidentPage() {
  const { id } = route.useParams();
  const n = parseID(id);
  if (n === undefined) {
    return (
      <Message page title="There is no such incident">
        <p>The id of an incident is that of the resource that it began with, a positive number.</p>
      </Message>
    );
  }
  return <IncidentByID key={n} id={n} />;
}

function IncidentByID({ id }: { id: number }) {
  const labels = useClasses();
  const { data: incident, error } = useQuery(incidentQuery(id));
  const { data: resource, error: gone } = useQuery(resourceQuery(id));
  const over = error instanceof ProblemError && error.status === 404;
  // Fixed when the page opens, so that the answer has one key.
  const [dayAgo] = useState(() => new Date(Date.now() - day).toISOString());
  const since = over ? dayAgo : incident?.began;
  const { data: timeline } = useQuery({ ...timelineQuery(id, since ?? ''), enabled: since !== undefined && !gone });
  useWatch(resource && Object.keys(resource.statistics).length > 0 ? [id] : []);

  if (gone instanceof ProblemError && gone.status === 404) {
    return (
      <Message page title="This incident is over">
        <p>
          The resource that it began with is gone. <Link to="/incidents">Open incidents</Link>
        </p>
      </Message>
    );
  }
  if (error && !over && !incident) {
    return (
      <Message page title="The incident cannot be read" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  if (!resource || (!incident && !over)) return <Shape />;
  const cls = labels.get(fullClass(resource));
  // An answer from before it ended must not stay.
  const now = over ? undefined : incident;
  return (
    <Page title={now ? `${now.causes[0]?.message ?? 'Incident'}: ${resource.name}` : `${resource.name}: no incident`}>
      <Head incident={now} resource={resource} labels={labels} />
      <div className={classes['columns']}>
        <section className="panel" aria-labelledby="cause">
          <header>
            <h2 id="cause">The cause</h2>
            <ResourceLink id={id}>Its page</ResourceLink>
          </header>
          <div className={classes['body']}>
            {now && <Causes alerts={now.causes} />}
            <Place resource={resource} cls={cls} />
          </div>
        </section>
        <section className="panel" aria-labelledby="effects">
          <header>
            <h2 id="effects">{now ? 'What it endangers' : 'What depends on it'}</h2>
            {now && <span className="muted number">{formatCount(affectedTotal(now.affected.counts))} resources</span>}
          </header>
          <div className={classes['body']}>{now ? <Endangered incident={now} labels={labels} /> : <p className="muted">Nothing is endangered by it now.</p>}</div>
        </section>
      </div>
      {now && <Way incident={now} labels={labels} />}
      <Timeline timeline={timeline} labels={labels} />
      {Object.keys(resource.statistics).length > 0 && <Around id={id} began={now?.causes[0]?.began} />}
    </Page>
  );
}

function Head({ incident, resource, labels }: { incident: Schema['Incident'] | undefined; resource: Schema['Resource']; labels: ClassLabels }) {
  const cause = incident?.causes[0];
  return (
    <div className={classes['head']} data-severity={incident?.severity ?? 'ok'}>
      <HealthIcon health={incident?.severity ?? 'ok'} size={30} silent />
      <div className={classes['title']}>
        <div className="text muted">
          <Link to="/incidents">Incidents</Link> › {labels.label(fullClass(resource))}
        </div>
        <h1>{incident ? `${cause?.message ?? 'Not well'}: ${resource.name}` : `${resource.name} is no cause of an incident now`}</h1>
        <div className="muted">
          {incident ? (
            <>
              {healthName(incident.severity)} · began <Ago time={incident.began} /> (<When time={incident.began} />)
              {incident.acknowledged && ' · acknowledged'}
            </>
          ) : resource.health === 'ok' ? (
            'It is well. Below is what happened in the last day.'
          ) : (
            <>
              Something that it depends on is sick: <ResourceLink id={resource.id}>see why</ResourceLink>.
            </>
          )}
        </div>
      </div>
      {incident && (
        <div className={classes['acts']}>
          <AcknowledgeIncident incident={incident} />
        </div>
      )}
    </div>
  );
}

function Causes({ alerts }: { alerts: Schema['AlertSummary'][] }) {
  return (
    <ul className={classes['causes']}>
      {alerts.map((a) => (
        <li key={a.id}>
          <HealthIcon health={a.severity} />
          <span>
            <strong>{a.message}</strong>
            <span className="muted">
              {' '}
              · <Ago time={a.began} />
              {a.acknowledged && ' · acknowledged'}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Endangered({ incident, labels }: { incident: Schema['Incident']; labels: ClassLabels }) {
  const { filesystems, counts } = incident.affected;
  if (affectedTotal(counts) === 0) return <p className="muted">Nothing depends on it.</p>;
  return (
    <>
      {filesystems.length > 0 ? (
        <ul className={classes['filesystems']} aria-label="File systems in danger">
          {filesystems.slice(0, 12).map((f) => (
            <li key={f.id}>
              <HealthIcon health={incident.severity} silent />
              <ResourceLink id={f.id}>{f.name}</ResourceLink>
            </li>
          ))}
          {filesystems.length > 12 && <li className="muted">and {formatCount(filesystems.length - 12)} more file systems</li>}
        </ul>
      ) : (
        <p>No file system that is known depends on it.</p>
      )}
      <Counts counts={counts} labels={labels} limit={10} />
      {incident.effects.total > 0 && (
        <p className="muted">
          {formatCount(incident.effects.total)} {incident.effects.total === 1 ? 'alert follows' : 'alerts follow'} from it:{' '}
          {Object.entries(incident.effects.by_class)
            .sort((a, b) => b[1] - a[1])
            .slice(0, 4)
            .map(([full, n]) => `${formatCount(n)} on ${labels.label(full)}`)
            .join(', ')}
        </p>
      )}
    </>
  );
}

/** How much time the charts of an incident show before and after its beginning. */
const around = 1_800_000;

/** The statistics of the cause around the time when the incident began. */
function Around({ id, began }: { id: number; began: string | undefined }) {
  const { view: _view, open: _open, ...charts } = route.useSearch();
  const navigate = route.useNavigate();
  const initial = useMemo(() => {
    if (began === undefined) return undefined;
    const start = Date.parse(began);
    return { from: start - around, to: start + around };
  }, [began]);
  const onSearch = useCallback(
    (next: BoardSearch, replace: boolean) =>
      void navigate({ search: ({ view, open }) => ({ ...given(next), ...given({ view, open }) }), replace, resetScroll: false }),
    [navigate],
  );
  return <Charts title={began === undefined ? 'Measured on the cause' : 'Measured on the cause around its beginning'} resource={id} initial={initial} search={charts} onSearch={onSearch} />;
}

/** The way from the cause to what it endangers, drawn from left to right. */
function Way({ incident, labels }: { incident: Schema['Incident']; labels: ClassLabels }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const view = useGraphView(search.view);
  const open = useMemo(() => parseOpen(search.open), [search.open]);
  const onOpen = useCallback(
    (next: Open) => void navigate({ search: (old) => ({ ...old, open: formatOpen(next).join(',') }), replace: true, resetScroll: false }),
    [navigate],
  );
  const toward = incident.affected.filesystems.length > 0 ? 'FileSystem' : incident.volumes > 0 ? 'LogicalDrive' : undefined;
  if (affectedTotal(incident.affected.counts) === 0) return null;
  const name = toward === 'FileSystem' ? 'The way to the file systems' : toward === 'LogicalDrive' ? 'The way to the volumes' : 'What it reaches';
  return (
    <section className="panel" aria-labelledby="way">
      <header>
        <h2 id="way">{name}</h2>
        <Link to="/topology/$id" params={{ id: String(incident.id) }}>
          Whole topology
        </Link>
        <ViewSwitch label="Show the way as" view={view} onView={(v) => void navigate({ search: (old) => ({ ...old, view: v }), replace: true, resetScroll: false })} />
      </header>
      <div className={classes['way']} data-view={view}>
        <LayersPanel id={incident.id} wanted={{ direction: 'down', ...(toward === undefined ? {} : { toward }) }} view={view} open={open} onOpen={onOpen} labels={labels} grow />
      </div>
    </section>
  );
}

function Shape() {
  return (
    <Waiting>
      <Skeleton height={70} />
      <div className={classes['columns']}>
        <Skeleton height={220} />
        <Skeleton height={220} />
      </div>
      <Skeleton height={420} />
    </Waiting>
  );
}
