import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, data, tableSerializer, type Schema } from './client';

/**
 * Every answer that the page keeps, by key. The first word of a key says what
 * makes it out of date; src/api/changes.ts goes by it.
 */
export const keys = {
  status: ['status'] as const,
  plugins: ['plugins'] as const,
  classes: ['classes'] as const,
  roots: ['roots'] as const,
  resource: (id: number) => ['resource', id] as const,
  causes: (id: number) => ['causes', id] as const,
  impact: (id: number) => ['impact', id] as const,
  graph: (id: number) => ['graph', id] as const,
  series: (id: number) => ['series', id] as const,
  resources: (filter: ResourceFilter, offset = 0) => ['resources', filter, offset] as const,
  /** How many shown rows changed what their table is sorted by; see changes.ts. */
  moved: (full: string) => ['moved', full] as const,
  search: (text: string, limit: number) => ['search', text, limit] as const,
  alerts: (filter: AlertFilter) => ['alerts', filter] as const,
};

export interface ResourceFilter {
  plugin?: string;
  class?: string;
  health?: Schema['Severity'][];
  q?: string;
  /** Conditions on attributes, as the API takes them. */
  where?: string[];
  sort?: string;
  limit?: number;
}

export interface AlertFilter {
  active?: boolean;
  severity?: Schema['AlertSeverity'][];
  class?: string;
  /** Words that all occur in what is known of the alert. */
  q?: string;
  sort?: string;
  limit?: number;
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

/** The controllers that users added, and the hosts that report for themselves. */
export const rootsQuery = queryOptions({
  queryKey: keys.roots,
  queryFn: async ({ signal }) => {
    const lists = await Promise.all(
      ['ScannableResource', 'HostRoot'].map((base) =>
        data(api.GET('/resources', { params: { query: { base, limit: 200, sort: 'name' } }, signal })),
      ),
    );
    return { items: lists.flatMap((l) => l.items), more: lists.some((l) => l.next !== undefined) };
  },
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

export const graphQuery = (id: number) =>
  queryOptions({
    queryKey: keys.graph(id),
    queryFn: ({ signal }) =>
      data(api.GET('/resources/{id}/graph', { params: { path: { id }, query: { limit: 1000 } }, signal })),
  });

export const seriesQuery = (id: number) =>
  queryOptions({
    queryKey: keys.series(id),
    queryFn: ({ signal }) =>
      data(api.GET('/resources/{id}/series', { params: { path: { id }, query: { max_points: 120 } }, signal })),
    refetchInterval: 30_000,
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
