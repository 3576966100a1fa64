import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { pluginsQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { DataTable, RowName, type Column } from '../../ui/DataTable';
import { FilterText } from '../../ui/FilterText';
import { HealthIcon } from '../../ui/HealthIcon';
import { ListHead } from '../../ui/ListHead';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Page } from '../../ui/Page';
import { Pills } from '../../ui/Pills';
import { formatBudget } from './format';
import { LoadPlugin } from './LoadPlugin';
import { PluginLink } from './PluginLink';
import { choosePlugins, parsePluginStates, placeName, pluginHealth, pluginStateName, pluginStates, stateHealth, tightest, trouble } from './words';

const route = getRouteApi('/plugins');

const columns: Column<Schema['Plugin']>[] = [
  {
    header: 'Name',
    width: 145,
    sort: 'name',
    cell: (p) => (
      <RowName icon={<HealthIcon health={pluginHealth(p)} silent />}>
        {(className) => (
          <PluginLink plugin={p} className={className}>
            {p.name}
          </PluginLink>
        )}
      </RowName>
    ),
  },
  { header: 'State', width: 150, sort: 'state', cell: (p) => pluginStateName(p.state) },
  { header: 'Runs at', width: 110, sort: 'place', cell: placeName },
  { header: 'Version', width: 72, cell: (p) => (p.version === '' ? <None /> : p.version) },
  { header: 'Sessions', width: 105, align: 'right', sort: 'sessions', title: () => 'Roots whose session is live, of those that it serves', cell: sessions },
  { header: 'Budget', width: 160, sort: 'budget', cell: (p) => <Tightest plugin={p} /> },
  { header: 'Restarts', width: 106, align: 'right', sort: 'restarts', cell: (p) => formatCount(p.restarts) },
  { header: 'Problem', width: 127, title: trouble, cell: (p) => (trouble(p) === '' ? <None /> : trouble(p)) },
];

function sessions(p: Schema['Plugin']): string {
  return `${formatCount(p.sessions)} of ${formatCount(Math.max(p.roots ?? 0, p.sessions))}`;
}

/** The plugins, where they run, and what is wrong with them. */
export function PluginsPage() {
  const { state, q = '', sort = 'name' } = route.useSearch();
  const navigate = route.useNavigate();
  const [loading, { open, close }] = useDisclosure(false);
  const { data, error } = useQuery(pluginsQuery);
  const states = useMemo(() => parsePluginStates(state), [state]);
  const rows = useMemo(() => data && choosePlugins(data.items, states, q, sort), [data, states, q, sort]);

  function set(change: { state?: string; q?: string; sort?: string }): void {
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  }

  const count = (s: string) => data?.items.filter((p) => p.state === s).length;
  const pills = pluginStates
    // Most servers have plugins in two or three of the states.
    .filter((s) => count(s) !== 0 || states.includes(s) || s === 'failed' || s === 'running')
    .map((s) => ({ value: s, label: pluginStateName(s), icon: <HealthIcon health={stateHealth(s)} size={14} silent />, count: count(s) }));
  return (
    <Page title="Plugins" fill>
      <ListHead
        title="Plugins"
        note={data && formatCount(data.items.length)}
        act={
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={open}>
            Load a plugin
          </Button>
        }
      >
        <Pills label="Filter by state" options={pills} value={states} onChange={(v) => set({ state: v.join(',') })} />
        <FilterText label="Filter by text" value={q} onChange={(v) => set({ q: v })} />
      </ListHead>
      {error && !data ? (
        <Message title="The plugins cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <DataTable
          label="Plugins, table"
          columns={columns}
          rows={rows}
          rowKey={(p) => `${p.runner ?? ''}/${p.name}`}
          sort={sort}
          onSort={(s) => set({ sort: s ?? '' })}
          empty={
            data?.items.length === 0 ? (
              <Message title="No plugin is configured">
                <p>
                  Plugins teach Faultline about storage hardware. Name them in the server’s configuration, put them into its plugin folder, or start it with{' '}
                  <code>faultline serve --plugin PATH</code>.
                </p>
              </Message>
            ) : (
              <Message title="No plugin fits the filter">
                <p>Choose another state or text.</p>
              </Message>
            )
          }
        />
      )}
      <LoadPlugin opened={loading} onClose={close} plugins={data?.items ?? []} />
    </Page>
  );
}

function Tightest({ plugin }: { plugin: Schema['Plugin'] }) {
  const b = tightest(plugin);
  if (b?.used === undefined || b.limit === undefined) return <None />;
  return (
    <span className="number" title={`${b.name}: ${formatBudget(b.used, b.kind)} of ${formatBudget(b.limit, b.kind)}`}>
      {Math.round((b.used / b.limit) * 100)} % of {b.short}
    </span>
  );
}
