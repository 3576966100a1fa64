import { Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { fileSystemsQuery, hostsQuery, volumesQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { parseID } from '../../format/id';
import { DataTable, RowName, type Column } from '../../ui/DataTable';
import { FilterText } from '../../ui/FilterText';
import { ListHead } from '../../ui/ListHead';
import { Message } from '../../ui/Message';
import { None } from '../../ui/None';
import { Page } from '../../ui/Page';
import { Pills } from '../../ui/Pills';
import { standingName } from '../../ui/standing';
import { StandingMark } from '../../ui/StandingMark';
import classes from './VolumesPage.module.css';

const route = getRouteApi('/volumes');
const pageSize = 200;

const columns: Column<Schema['Volume']>[] = [
  {
    header: 'Name',
    width: 172,
    sort: 'name',
    title: (v) => v.name,
    cell: (v) => (
      <RowName icon={<StandingMark state={v.state} silent />}>
        {(className) => (
          <Link to="/volumes/$id" params={{ id: String(v.id) }} className={className}>
            {v.name}
          </Link>
        )}
      </RowName>
    ),
  },
  { header: 'Size', width: 94, align: 'right', sort: 'size', cell: (v) => v.size_text ?? <None /> },
  { header: 'State', width: 92, title: (v) => v.state_why, cell: (v) => standingName(v.state) },
  { header: 'Primary', width: 124, sort: 'primary', title: (v) => v.primary.why, cell: (v) => v.primary.host ?? <None /> },
  { header: 'Secondary', width: 114, title: (v) => v.secondary.why, cell: (v) => v.secondary.host ?? <None /> },
  { header: 'Hosts', width: 62, align: 'right', title: (v) => hostNames(v).join(', '), cell: (v) => hostNames(v).length },
  { header: 'In use by', width: 130, title: (v) => usedBy(v), cell: (v) => (v.used_by.length === 0 ? <None /> : usedBy(v)) },
  { header: 'Format', width: 90, sort: 'filesystem_type', cell: (v) => (v.filesystem_type === '' ? <None /> : v.filesystem_type) },
  { header: 'Kind', width: 97, sort: 'kind', title: (v) => v.kind, cell: (v) => v.kind },
];

function hostNames(v: Schema['Volume']): string[] {
  return [...new Set(v.nodes.map((n) => n.host))];
}

function usedBy(v: Schema['Volume']): string {
  return v.used_by.map((u) => u.name).join(', ');
}

const categories = [
  { value: 'unused', label: 'Unused' },
  { value: 'usable', label: 'Usable' },
] as const;

/** The logical drives that hosts can reach. */
export function VolumesPage() {
  const { category, host, primary, filesystem, q = '', sort = 'name' } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: hosts } = useQuery(hostsQuery);
  const { data: filesystems } = useQuery(fileSystemsQuery);
  const fs = filesystem === undefined ? undefined : parseID(filesystem);
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    volumesQuery({
      limit: pageSize,
      sort,
      ...(category === undefined ? {} : { category }),
      ...(host === undefined ? {} : { host }),
      ...(primary === undefined ? {} : { primary }),
      ...(fs !== undefined ? { filesystem: fs } : {}),
      ...(q === '' ? {} : { q }),
    }),
  );
  const rows = useMemo(() => data?.pages.flatMap((p) => p.items), [data]);
  const filtered = [category, host, primary, filesystem].some((f) => f !== undefined) || q !== '';

  function set(change: Partial<Record<'category' | 'host' | 'primary' | 'filesystem' | 'q' | 'sort', string>>): void {
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  }

  // A name that the address has and no host bears can still be seen and taken back.
  const names = (chosen: string | undefined) => {
    const all = hosts?.items.map((h) => h.name) ?? [];
    return chosen === undefined || all.includes(chosen) ? all : [chosen, ...all];
  };
  return (
    <Page title="Volumes" fill>
      <ListHead title="Volumes" note={rows && `${hasNextPage ? 'more than ' : ''}${formatCount(rows.length)}`}>
        <Pills
          label="Filter by use"
          options={categories}
          value={categories.map((c) => c.value).filter((c) => c === category)}
          // One of them at a time: what is usable is unused as well.
          onChange={(v) => set({ category: v.find((c) => c !== category) ?? '' })}
        />
        <Choice label="Any host" filter="Filter by host" value={host} data={names(host)} onChange={(v) => set({ host: v })} />
        <Choice label="Any primary" filter="Filter by primary" value={primary} data={names(primary)} onChange={(v) => set({ primary: v })} />
        {(filesystem !== undefined || (filesystems?.items.length ?? 0) > 0) && (
          <Choice
            label="Any file system"
            filter="Filter by file system"
            value={filesystem}
            data={(filesystems?.items ?? []).map((f) => ({ value: String(f.id), label: f.name }))}
            onChange={(v) => set({ filesystem: v })}
          />
        )}
        <FilterText label="Filter by text" value={q} onChange={(v) => set({ q: v })} />
      </ListHead>
      {error && !rows ? (
        <Message title="The volumes cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <DataTable
          label="Volumes, table"
          columns={columns}
          rows={rows}
          rowKey={(v) => v.id}
          sort={sort}
          onSort={(s) => set({ sort: s ?? '' })}
          more={hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined}
          empty={filtered ? <NothingFits /> : <NoVolumes hosts={hosts?.items.length} />}
        />
      )}
    </Page>
  );
}

interface ChoiceProps {
  label: string;
  filter: string;
  value: string | undefined;
  data: string[] | { value: string; label: string }[];
  onChange: (value: string) => void;
}

function Choice({ label, filter, value, data, onChange }: ChoiceProps) {
  return (
    <Select
      size="xs"
      aria-label={filter}
      placeholder={label}
      data={data}
      value={value ?? null}
      onChange={(v) => onChange(v ?? '')}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': label }}
      nothingFoundMessage="None"
      className={classes['choice'] ?? ''}
    />
  );
}

function NothingFits() {
  return (
    <Message title="No volume fits the filter">
      <p>Take a part of the filter back.</p>
    </Message>
  );
}

function NoVolumes({ hosts }: { hosts: number | undefined }) {
  return (
    <Message title="No volume yet">
      <p>A volume is a logical drive that hosts can reach, by a device node on which nothing else is built. </p>
      {hosts === 0 ? (
        <p>
          No host runs the agent yet. <Link to="/hosts/add">Add a host</Link>
        </p>
      ) : (
        <p>
          The hosts there are report none. <Link to="/hosts">See what they report</Link>
        </p>
      )}
    </Message>
  );
}
