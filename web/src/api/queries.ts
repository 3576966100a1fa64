import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { intervalOf, isLive, rangeText, type Range } from '../charts/range';
import { untilNextStep } from '../charts/steps';
import { api, data, tableSerializer, type Schema } from './client';

/**
 * Every answer that the page keeps, by key. The first word of a key says what
 * makes it out of date; src/api/changes.ts goes by it.
 */
export const keys = {
  status: ['status'] as const,
  plugins: ['plugins'] as const,
  pluginLog: (name: string, runner: string | undefined) => ['pluginlog', name, runner] as const,
  pluginChanges: (name: string, runner: string | undefined) => ['pluginchanges', name, runner] as const,
  hosts: ['hosts'] as const,
  host: (id: number) => ['hosts', id] as const,
  installation: (id: string) => ['installation', id] as const,
  volumes: (filter: VolumeFilter) => ['volumes', filter] as const,
  volume: (id: number) => ['volume', id] as const,
  clusters: ['clusters'] as const,
  fileSystems: ['filesystems'] as const,
  classes: ['classes'] as const,
  roots: ['roots'] as const,
  resource: (id: number) => ['resource', id] as const,
  causes: (id: number) => ['causes', id] as const,
  impact: (id: number) => ['impact', id] as const,
  graph: (id: number) => ['graph', id] as const,
  linkage: (id: number, other: number) => ['linkage', id, other] as const,
  charts: (id: number, range: string, points: number) => ['charts', id, range, points] as const,
  resourceAlerts: (resource: number) => ['alerts', 'resource', resource] as const,
  children: (id: number) => ['children', id] as const,
  reported: (filter: ResourceFilter) => ['reported', filter] as const,
  layers: (id: number, view: LayersView) => ['layers', id, view] as const,
  history: (id: number) => ['history', id] as const,
  timeline: (id: number, since: string) => ['timeline', id, since] as const,
  standing: ['standing'] as const,
  incidents: (limit: number) => ['incidents', limit] as const,
  endedIncidents: (limit: number) => ['ended-incidents', limit] as const,
  incident: (id: number) => ['incident', id] as const,
  resources: (filter: ResourceFilter, offset = 0) => ['resources', filter, offset] as const,
  /** How many shown rows changed what their table is sorted by; see changes.ts. */
  moved: (full: string) => ['moved', full] as const,
  search: (text: string, limit: number) => ['search', text, limit] as const,
  alerts: (filter: AlertFilter) => ['alerts', filter] as const,
};

export interface ResourceFilter {
  parent?: number;
  plugin?: string;
  class?: string;
  base?: string;
  /** What this root reports. */
  scope?: number;
  health?: Schema['Severity'][];
  q?: string;
  /** Conditions on attributes, as the API takes them. */
  where?: string[];
  sort?: string;
  limit?: number;
}

export interface VolumeFilter {
  category?: string;
  host?: string;
  primary?: string;
  filesystem?: number;
  q?: string;
  sort?: string;
  limit?: number;
}

export interface AlertFilter {
  active?: boolean;
  resource?: number;
  severity?: Schema['AlertSeverity'][];
  class?: string;
  /** Words that all occur in what is known of the alert. */
  q?: string;
  sort?: string;
  limit?: number;
}

/** What of the graph around a resource is wanted. */
export interface LayersView {
  direction?: Schema['Direction'];
  depth?: number;
  toward?: string;
  /** The open groups, as `key` or `key:first`. */
  open?: string[];
}

export const statusQuery = queryOptions({
  queryKey: keys.status,
  queryFn: ({ signal }) => data(api.GET('/status', { signal })),
});

export const pluginsQuery = queryOptions({
  queryKey: keys.plugins,
  queryFn: ({ signal }) => data(api.GET('/plugins', { signal })),
  // No event tells of a plugin's process.
  refetchInterval: 30_000,
});

export const classesQuery = queryOptions({
  queryKey: keys.classes,
  queryFn: ({ signal }) => data(api.GET('/classes', { params: { query: { internal: true } }, signal })),
  refetchInterval: 60_000,
});

/** The controllers that users added. The roots of what hosts report belong to their hosts. */
export const controllersQuery = queryOptions({
  queryKey: keys.roots,
  queryFn: async ({ signal }) => {
    const list = await data(api.GET('/resources', { params: { query: { base: 'ScannableResource', limit: 200, sort: 'name' } }, signal }));
    return { items: list.items, more: list.next !== undefined };
  },
});

/** The end of a plugin's log, read again while it is shown. */
export const pluginLogQuery = (name: string, runner: string | undefined) =>
  queryOptions({
    queryKey: keys.pluginLog(name, runner),
    queryFn: ({ signal }) => data(api.GET('/plugins/{name}/log', { params: { path: { name }, query: at(runner) }, signal })),
    refetchInterval: 2000,
  });

/** What the files of a plugin declare otherwise than what is loaded. The server starts them for that, so it is asked only when wanted. */
export const pluginChangesQuery = (name: string, runner: string | undefined) =>
  queryOptions({
    queryKey: keys.pluginChanges(name, runner),
    queryFn: ({ signal }) => data(api.GET('/plugins/{name}/changes', { params: { path: { name }, query: at(runner) }, signal })),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });

/** The query parameter that names a plugin's place. */
export function at(runner: string | undefined): { runner?: string } {
  return runner === undefined ? {} : { runner };
}

export const hostsQuery = queryOptions({
  queryKey: keys.hosts,
  queryFn: ({ signal }) => data(api.GET('/hosts', { signal })),
  // No event tells of contact with a host that is as it was.
  refetchInterval: 30_000,
});

export const hostQuery = (id: number) =>
  queryOptions({
    queryKey: keys.host(id),
    queryFn: ({ signal }) => data(api.GET('/hosts/{id}', { params: { path: { id } }, signal })),
    refetchInterval: 15_000,
  });

/** How far the installation of an agent is; asked again until its end. */
export const installationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.installation(id),
    queryFn: ({ signal }) => data(api.GET('/installations/{installation}', { params: { path: { installation: id } }, signal })),
    refetchInterval: (query) => (query.state.data?.state === 'running' ? 500 : false),
    staleTime: 0,
  });

/** The volumes, page by page. */
export const volumesQuery = (filter: VolumeFilter) =>
  infiniteQueryOptions({
    queryKey: keys.volumes(filter),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      data(api.GET('/volumes', { params: { query: { ...filter, ...(pageParam === '' ? {} : { cursor: pageParam }) } }, signal })),
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });

/** What volumes can be asked for by: the file systems of storage, not what is mounted somewhere. */
export const fileSystemsQuery = queryOptions({
  queryKey: keys.fileSystems,
  queryFn: ({ signal }) => data(api.GET('/resources', { params: { query: { base: 'FileSystem', limit: 1000, sort: 'name' } }, signal })),
});

export const volumeQuery = (id: number) =>
  queryOptions({
    queryKey: keys.volume(id),
    queryFn: ({ signal }) => data(api.GET('/volumes/{id}', { params: { path: { id } }, signal })),
  });

export const clustersQuery = queryOptions({
  queryKey: keys.clusters,
  queryFn: ({ signal }) => data(api.GET('/clusters', { signal })),
});

export const resourceQuery = (id: number) =>
  queryOptions({
    queryKey: keys.resource(id),
    queryFn: ({ signal }) => data(api.GET('/resources/{id}', { params: { path: { id } }, signal })),
  });

export const causesQuery = (id: number) =>
  queryOptions({
    queryKey: keys.causes(id),
    queryFn: ({ signal }) =>
      data(api.GET('/resources/{id}/causes', { params: { path: { id }, query: { limit: 100 } }, signal })),
  });

/** Only the counts are shown: the graph has the resources themselves. */
export const impactQuery = (id: number) =>
  queryOptions({
    queryKey: keys.impact(id),
    queryFn: ({ signal }) =>
      data(api.GET('/resources/{id}/impact', { params: { path: { id }, query: { limit: 1 } }, signal })),
  });

/** Through what two resources are linked. */
export const linkageQuery = (id: number, other: number) =>
  queryOptions({
    queryKey: keys.linkage(id, other),
    queryFn: ({ signal }) => data(api.GET('/resources/{id}/why-linked/{other}', { params: { path: { id, other } }, signal })),
  });

export const graphQuery = (id: number) =>
  queryOptions({
    queryKey: keys.graph(id),
    queryFn: ({ signal }) =>
      data(api.GET('/resources/{id}/graph', { params: { path: { id }, query: { limit: 1000 } }, signal })),
  });

/** The graph around a resource with large fans folded. */
export const layersQuery = (id: number, view: LayersView) =>
  queryOptions({
    queryKey: keys.layers(id, view),
    queryFn: ({ signal }) => data(api.GET('/resources/{id}/layers', { params: { path: { id }, query: view }, signal })),
    // What is drawn stays while another page of a group loads.
    placeholderData: (old, query) => (query?.queryKey[1] === id ? old : undefined),
  });

/** The alerts of a resource and of what it affects: active ones, and those that ended since a time. */
export const timelineQuery = (id: number, since: string) =>
  queryOptions({
    queryKey: keys.timeline(id, since),
    queryFn: ({ signal }) => data(api.GET('/resources/{id}/timeline', { params: { path: { id }, query: { since } }, signal })),
  });

/** What happened to a resource, the newest first, page by page; the first one is short. */
export const historyQuery = (id: number) =>
  infiniteQueryOptions({
    queryKey: keys.history(id),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET('/resources/{id}/history', {
          params: { path: { id }, query: pageParam === '' ? { limit: 8 } : { limit: 50, cursor: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next,
  });

export const standingQuery = queryOptions({
  queryKey: keys.standing,
  queryFn: ({ signal }) => data(api.GET('/standing', { signal })),
});

/** How many incidents a list shows at first; the navigation and the overview share its answer. */
export const shownIncidents = 50;

export const incidentsQuery = (limit: number) =>
  queryOptions({
    queryKey: keys.incidents(limit),
    queryFn: ({ signal }) => data(api.GET('/incidents', { params: { query: { limit } }, signal })),
  });

export const endedIncidentsQuery = (limit: number) =>
  queryOptions({
    queryKey: keys.endedIncidents(limit),
    queryFn: ({ signal }) => data(api.GET('/ended-incidents', { params: { query: { limit } }, signal })),
    // What is listed stays while more of it loads.
    placeholderData: keepPreviousData,
  });

export const incidentQuery = (id: number) =>
  queryOptions({
    queryKey: keys.incident(id),
    queryFn: ({ signal }) => data(api.GET('/incidents/{id}', { params: { path: { id } }, signal })),
  });

/**
 * The charts of a resource, each with at most so many steps. Those of a range
 * that moves are read again when a step is complete.
 */
export const chartsQuery = (id: number, range: Range, points: number) =>
  queryOptions({
    queryKey: keys.charts(id, rangeText(range), points),
    queryFn: ({ signal }) => {
      const { from, to } = intervalOf(range, Date.now());
      // The present is the server's.
      const end = isLive(range) ? {} : { to: new Date(to).toISOString() };
      return data(api.GET('/resources/{id}/charts', { params: { path: { id }, query: { from: new Date(from).toISOString(), ...end, points } }, signal }));
    },
    refetchInterval: (query) => (query.state.data && (isLive(range) || range.to > Date.now()) ? untilNextStep(query.state.data) : false),
    // While another range loads, the present values stay where they belong.
    placeholderData: keepPreviousData,
  });

/** The newest alerts of a resource, of the past too: what its charts mark. */
export const resourceAlertsQuery = (resource: number) =>
  queryOptions({
    queryKey: keys.resourceAlerts(resource),
    queryFn: ({ signal }) => data(api.GET('/alerts', { params: { query: { resource, limit: 500 } }, signal })),
  });

/** The first of what a root reports. */
export const reportedQuery = (filter: ResourceFilter & { scope: number }) =>
  queryOptions({
    queryKey: keys.reported(filter),
    queryFn: ({ signal }) => data(api.GET('/resources', { params: { query: filter }, signal })),
  });

/** What a fault of a resource is a fault of, page by page, the sickest first. */
export const childrenQuery = (id: number, limit: number) =>
  infiniteQueryOptions({
    queryKey: keys.children(id),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET('/resources', {
          params: { query: { parent: id, sort: '-health', limit, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next,
  });

/** A part of a table's rows. */
export const resourcePageQuery = (filter: ResourceFilter, offset: number) =>
  queryOptions({
    queryKey: keys.resources(filter, offset),
    queryFn: ({ signal }) => {
      const { where, ...rest } = filter;
      return data(
        api.GET('/resources', {
          params: { query: { ...rest, offset, ...(where && where.length > 0 ? { where } : {}) } },
          // Each condition is a parameter of its own: they may have commas.
          querySerializer: tableSerializer,
          signal,
        }),
      );
    },
  });

/** What a search finds, by class. */
export const searchQuery = (text: string, limit: number) =>
  queryOptions({
    queryKey: keys.search(text, limit),
    queryFn: ({ signal }) => data(api.GET('/search', { params: { query: { q: text, limit } }, signal })),
    enabled: text !== '',
    placeholderData: keepPreviousData,
    staleTime: 5000,
  });

export const alertsQuery = (filter: AlertFilter) =>
  infiniteQueryOptions({
    queryKey: keys.alerts(filter),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET('/alerts', {
          params: { query: { ...filter, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
