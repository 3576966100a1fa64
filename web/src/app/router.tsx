import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Overview } from '../pages/overview/Overview';
import { NotFound, PageError } from './PageError';
import { Shell } from './Shell';

// Every view has an address, and what a reader sets in a view (filters, sort
// order, tabs) stands in its address too, as plain text.

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageError });

/** Keeps the named texts of an address and drops empty ones. */
function texts<K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const out: Partial<Record<K, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') out[name] = value;
    }
    return out;
  };
}

const overview = createRoute({ getParentRoute: () => root, path: '/', component: Overview });

export const tableRoute = createRoute({
  getParentRoute: () => root,
  path: '/resources/$plugin/$class',
  validateSearch: texts('q', 'health', 'sort', 'where', 'columns', 'row'),
  component: lazyRouteComponent(() => import('../pages/table/ClassPage'), 'ClassPage'),
});

export const searchRoute = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: texts('q'),
  component: lazyRouteComponent(() => import('../pages/search/SearchPage'), 'SearchPage'),
});

export const resourceRoute = createRoute({
  getParentRoute: () => root,
  path: '/resource/$id',
  validateSearch: texts('view', 'open', 'linked', 'raw', 'range', 'zoom', 'at', 'tables'),
  component: lazyRouteComponent(() => import('../pages/resource/ResourcePage'), 'ResourcePage'),
});

export const editRoute = createRoute({
  getParentRoute: () => root,
  path: '/resource/$id/edit',
  component: lazyRouteComponent(() => import('../pages/add/EditPage'), 'EditPage'),
});

export const alertsRoute = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  validateSearch: texts('tab', 'severity', 'class', 'q', 'sort'),
  component: lazyRouteComponent(() => import('../pages/alerts/AlertsPage'), 'AlertsPage'),
});

const incidentsRoute = createRoute({
  getParentRoute: () => root,
  path: '/incidents',
  validateSearch: texts('tab'),
  component: lazyRouteComponent(() => import('../pages/incidents/IncidentsPage'), 'IncidentsPage'),
});

const incidentRoute = createRoute({
  getParentRoute: () => root,
  path: '/incidents/$id',
  validateSearch: texts('view', 'open', 'range', 'zoom', 'at', 'tables'),
  component: lazyRouteComponent(() => import('../pages/incidents/IncidentPage'), 'IncidentPage'),
});

const topologyStartRoute = createRoute({
  getParentRoute: () => root,
  path: '/topology',
  component: lazyRouteComponent(() => import('../pages/topology/StartPage'), 'StartPage'),
});

const topologyRoute = createRoute({
  getParentRoute: () => root,
  path: '/topology/$id',
  validateSearch: texts('direction', 'depth', 'toward', 'open', 'view'),
  component: lazyRouteComponent(() => import('../pages/topology/TopologyPage'), 'TopologyPage'),
});

export const addRoute = createRoute({
  getParentRoute: () => root,
  path: '/add',
  validateSearch: texts('class'),
  component: lazyRouteComponent(() => import('../pages/add/AddPage'), 'AddPage'),
});

export const pluginsRoute = createRoute({
  getParentRoute: () => root,
  path: '/plugins',
  validateSearch: texts('state', 'q', 'sort'),
  component: lazyRouteComponent(() => import('../pages/plugins/PluginsPage'), 'PluginsPage'),
});

export const pluginRoute = createRoute({
  getParentRoute: () => root,
  path: '/plugins/$name',
  validateSearch: texts('runner'),
  component: lazyRouteComponent(() => import('../pages/plugins/PluginPage'), 'PluginPage'),
});

export const hostsRoute = createRoute({
  getParentRoute: () => root,
  path: '/hosts',
  validateSearch: texts('state', 'q', 'sort'),
  component: lazyRouteComponent(() => import('../pages/hosts/HostsPage'), 'HostsPage'),
});

export const addHostRoute = createRoute({
  getParentRoute: () => root,
  path: '/hosts/add',
  validateSearch: texts('installation', 'address', 'name', 'user', 'host_key'),
  component: lazyRouteComponent(() => import('../pages/hosts/AddHostPage'), 'AddHostPage'),
});

export const hostRoute = createRoute({
  getParentRoute: () => root,
  path: '/hosts/$id',
  component: lazyRouteComponent(() => import('../pages/hosts/HostPage'), 'HostPage'),
});

export const volumesRoute = createRoute({
  getParentRoute: () => root,
  path: '/volumes',
  validateSearch: texts('category', 'host', 'primary', 'filesystem', 'q', 'sort'),
  component: lazyRouteComponent(() => import('../pages/volumes/VolumesPage'), 'VolumesPage'),
});

export const volumeRoute = createRoute({
  getParentRoute: () => root,
  path: '/volumes/$id',
  component: lazyRouteComponent(() => import('../pages/volumes/VolumePage'), 'VolumePage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview, tableRoute, searchRoute, resourceRoute, editRoute, alertsRoute, addRoute,
    incidentsRoute, incidentRoute, topologyStartRoute, topologyRoute,
    hostsRoute, addHostRoute, hostRoute, volumesRoute, volumeRoute, pluginsRoute, pluginRoute,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  // The page's answers are kept by the query client, not by the router.
  defaultPreloadStaleTime: 0,
  // An empty text is none: that is how the pages take a filter back.
  parseSearch: (text) => Object.fromEntries([...new URLSearchParams(text)].filter(([, value]) => value !== '')),
  stringifySearch: (search) => {
    const params = new URLSearchParams();
    for (const [key, value] of Object.entries(search)) if (typeof value === 'string' && value !== '') params.set(key, value);
    const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
