import { SegmentedControl, Select, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { errorText, ProblemError } from '../../api/problem';
import { layersQuery, resourceQuery, type LayersView } from '../../api/queries';
import { formatCount } from '../../format/number';
import { formatOpen, parseOpen, type Open } from '../../graph/layers';
import { LayersPanel } from '../../graph/LayersPanel';
import { useGraphView, ViewSwitch } from '../../graph/ViewSwitch';
import { parseID } from '../../format/id';
import { fullClass } from '../../ui/classes';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { StaleMark } from '../../ui/StaleMark';
import { useClasses } from '../../ui/useClasses';
import classes from './TopologyPage.module.css';

const route = getRouteApi('/topology/$id');
const depths = ['1', '2', '3', '4', '6', '8'];

/** The graph around one resource, in layers that open on demand. */
export function TopologyPage() {
  const { id } = route.useParams();
  const n = parseID(id);
  if (n === undefined) {
    return (
      <Message page title="There is no such resource">
        <p>The id of a resource is a positive number.</p>
      </Message>
    );
  }
  return <Topology key={n} id={n} />;
}

function Topology({ id }: { id: number }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useClasses();
  const { data: resource, error } = useQuery(resourceQuery(id));
  const direction = search.direction === 'up' || search.direction === 'down' ? search.direction : undefined;
  const depth = /^[1-9]\d?$/.test(search.depth ?? '') ? Number(search.depth) : 0;
  const view = useGraphView(search.view);
  const open = useMemo(() => parseOpen(search.open), [search.open]);
  const wanted: LayersView = {
    ...(direction ? { direction } : {}),
    ...(depth > 0 ? { depth } : {}),
    ...(search.toward !== undefined ? { toward: search.toward } : {}),
  };
  const { data: layers } = useQuery(layersQuery(id, { ...wanted, ...(open.size > 0 ? { open: formatOpen(open) } : {}) }));

  const set = useCallback(
    (change: { direction?: string; depth?: string; open?: string; view?: string; toward?: string }) => {
      void navigate({ search: (old) => ({ ...old, ...change }), replace: true, resetScroll: false });
    },
    [navigate],
  );
  const onOpen = useCallback((next: Open) => set({ open: formatOpen(next).join(',') }), [set]);

  if (error instanceof ProblemError && error.status === 404) {
    return (
      <Message page title="This resource is gone">
        <p>
          It was removed, or nothing reports it any more. <Link to="/topology">Start somewhere else.</Link>
        </p>
      </Message>
    );
  }
  if (error && !resource) {
    return (
      <Message page title="The resource cannot be read" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  return (
    <Page title={resource ? `Topology around ${resource.name}` : 'Topology'} fill>
      <div className={classes['head']}>
        <div className={classes['title']}>
          <div className="text muted">
            <Link to="/topology">Topology</Link>
            {resource && (
              <>
                {' '}
                › {resource.plugin} › {labels.label(fullClass(resource))}
              </>
            )}
          </div>
          <div className={classes['name']}>
            {resource ? (
              <>
                <HealthIcon health={resource.health} size={22} silent />
                <h1>
                  <ResourceLink id={id}>{resource.name}</ResourceLink>
                </h1>
                <span className="muted">{healthName(resource.health)}</span>
                {resource.stale && <StaleMark />}
              </>
            ) : (
              <Skeleton height={24} width={260} />
            )}
          </div>
          <div className="muted number" role="status">
            {layers ? `${formatCount(layers.above)} above, ${formatCount(layers.below)} below` : ' '}
          </div>
        </div>
        <div className={classes['tools']}>
          <SegmentedControl
            size="xs"
            aria-label="Direction"
            value={direction ?? 'both'}
            onChange={(v) => set({ direction: v === 'both' ? '' : v, open: '' })}
            data={[
              { value: 'up', label: 'Causes' },
              { value: 'both', label: 'Both' },
              { value: 'down', label: 'Effects' },
            ]}
          />
          <Select
            size="xs"
            aria-label="How many steps away"
            value={depth > 0 ? String(depth) : 'all'}
            onChange={(v) => set({ depth: v === 'all' || v === null ? '' : v })}
            data={[{ value: 'all', label: 'Any distance' }, ...depths.concat(depth > 0 && !depths.includes(String(depth)) ? String(depth) : []).map((d) => ({ value: d, label: d === '1' ? '1 step' : `${d} steps` }))]}
            allowDeselect={false}
            className={classes['depth'] ?? ''}
          />
          <ViewSwitch label="Show the graph as" view={view} onView={(v) => set({ view: v })} />
        </div>
      </div>
      <section className={`panel ${classes['panel'] ?? ''}`} aria-label="Graph">
        <LayersPanel id={id} wanted={wanted} view={view} open={open} onOpen={onOpen} labels={labels} />
      </section>
    </Page>
  );
}
