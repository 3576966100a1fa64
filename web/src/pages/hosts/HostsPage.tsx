import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { hostsQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { DataTable, RowName, type Column } from '../../ui/DataTable';
import { FilterText } from '../../ui/FilterText';
import { HealthIcon } from '../../ui/HealthIcon';
import { ListHead } from '../../ui/ListHead';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Page } from '../../ui/Page';
import { Pills } from '../../ui/Pills';
import { sessionName, SessionMark } from '../../ui/SessionMark';
import { SeverityCounts } from '../../ui/SeverityCounts';
import { Ago } from '../../ui/Time';
import classes from './HostsPage.module.css';
import { chooseHosts, reported } from './list';
import { hostHealth, hostStateName, hostStates, parseHostStates } from './states';

const route = getRouteApi('/hosts');

const columns: Column<Schema['Host']>[] = [
  {
    header: 'Name',
    width: 165,
    sort: 'name',
    title: (h) => h.name,
    cell: (h) => (
      <RowName icon={<HealthIcon health={hostHealth(h.state)} silent />}>
        {(className) => (
          <Link to="/hosts/$id" params={{ id: String(h.id) }} className={className}>
            {h.name}
          </Link>
        )}
      </RowName>
    ),
  },
  { header: 'State', width: 125, sort: 'state', title: (h) => h.advice, cell: (h) => hostStateName(h.state) },
  { header: 'Alerts', width: 95, sort: 'alerts', cell: (h) => <SeverityCounts counts={h.alerts} /> },
  { header: 'Device plugins', width: 150, cell: (h) => <DevicePlugins plugins={h.plugins} /> },
  { header: 'Resources', width: 112, align: 'right', sort: 'resources', cell: (h) => formatCount(reported(h)) },
  { header: 'Volumes', width: 103, align: 'right', sort: 'volumes', cell: (h) => formatCount(h.volumes) },
  { header: 'Agent', width: 95, sort: 'agent', cell: (h) => h.agent_version ?? <None /> },
  { header: 'Last contact', width: 130, sort: 'contact', cell: (h) => (h.last_contact === undefined ? 'never' : <Ago time={h.last_contact} />) },
];

/** The servers that run the agent, or are to run it. */
export function HostsPage() {
  const { state, q = '', sort = 'name' } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error } = useQuery(hostsQuery);
  const states = useMemo(() => parseHostStates(state), [state]);
  const rows = useMemo(() => data && chooseHosts(data.items, { states, q, sort }), [data, states, q, sort]);

  function set(change: { state?: string; q?: string; sort?: string }): void {
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  }

  const pills = hostStates.map((s) => ({
    value: s,
    label: hostStateName(s),
    icon: <HealthIcon health={hostHealth(s)} size={14} silent />,
    count: data?.items.filter((h) => h.state === s).length,
  }));
  return (
    <Page title="Hosts" fill>
      <ListHead
        title="Hosts"
        note={data && rows && (rows.length === data.items.length ? formatCount(rows.length) : `${formatCount(rows.length)} of ${formatCount(data.items.length)}`)}
        act={
          <Button component={Link} to="/hosts/add" leftSection={<IconPlus size={14} aria-hidden />}>
            Add a host
          </Button>
        }
      >
        <Pills label="Filter by state" options={pills} value={states} onChange={(v) => set({ state: v.join(',') })} />
        <FilterText label="Filter by text" value={q} onChange={(v) => set({ q: v })} />
      </ListHead>
      {error && !data ? (
        <Message title="The hosts cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <DataTable
          label="Hosts, table"
          columns={columns}
          rows={rows}
          rowKey={(h) => h.id}
          sort={sort}
          onSort={(s) => set({ sort: s ?? '' })}
          empty={data?.items.length === 0 ? <NoHosts /> : <NothingFits />}
        />
      )}
    </Page>
  );
}

function DevicePlugins({ plugins }: { plugins: Schema['HostPlugin'][] }) {
  if (plugins.length === 0) return <None />;
  return (
    <span className={classes['plugins']}>
      {plugins.map((p) => (
        <span key={p.name} title={`${p.name}: ${sessionName(p.session)}`}>
          <SessionMark state={p.session} /> {p.name}
        </span>
      ))}
    </span>
  );
}

function NoHosts() {
  return (
    <Message title="No host yet">
      <p>
        A host is a storage server that runs the agent: its disks, mounts and file systems then appear here, joined with the arrays behind them.
      </p>
      <Button component={Link} to="/hosts/add" size="sm">
        Add a host
      </Button>
    </Message>
  );
}

function NothingFits() {
  return (
    <Message title="No host fits the filter">
      <p>Choose another state or text.</p>
    </Message>
  );
}
