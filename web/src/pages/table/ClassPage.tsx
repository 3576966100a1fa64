import { Button, Skeleton } from '@mantine/core';
import { IconArrowsSort } from '@tabler/icons-react';
import { usePrefetchQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { errorText, ProblemError } from '../../api/problem';
import { classesQuery, keys, resourcePageQuery, statusQuery, type ResourceFilter } from '../../api/queries';
import { formatCount } from '../../format/number';
import { ClassLabels } from '../../ui/classes';
import { FilterText } from '../../ui/FilterText';
import { parseHealths } from '../../ui/health';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import classes from './ClassPage.module.css';
import { ColumnChoice } from './ColumnChoice';
import { chosenColumns, classColumns, nameColumn } from './columns';
import { Download } from './Download';
import { HealthFilter } from './HealthFilter';
import { ResourceTable } from './ResourceTable';
import { pageSize } from './useRows';
import { conditions, formatWhere, parseWhere } from './where';

const route = getRouteApi('/resources/$plugin/$class');

/** The resources of one class, with the class's own columns. */
export function ClassPage() {
  const { plugin, class: name } = route.useParams();
  const { data: declared } = useQuery(classesQuery);
  const full = `${plugin}.${name}`;
  if (declared && !declared.items.some((c) => c.full === full)) {
    return (
      <Message page title={`There is no class ${full}`}>
        <p>Its plugin does not declare it, or is not loaded.</p>
      </Message>
    );
  }
  // Another class is another table: nothing half typed comes along.
  return <ClassTable key={full} plugin={plugin} name={name} full={full} />;
}

function ClassTable({ plugin, name, full }: { plugin: string; name: string; full: string }) {
  const { q, health, sort, where: asked, columns: chosen, row } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: declared, error: undeclared } = useQuery(classesQuery);
  const { data: status } = useQuery(statusQuery);
  const [rows, setRows] = useState<{ total: number | undefined; error: Error | null }>({ total: undefined, error: null });
  const cls = declared?.items.find((c) => c.full === full);
  const label = new ClassLabels(declared?.items ?? []).label(full);
  const all = useMemo(() => (cls ? classColumns(cls) : [nameColumn]), [cls]);
  const columns = useMemo(() => chosenColumns(all, chosen), [all, chosen]);
  const where = useMemo(() => parseWhere(asked), [asked]);
  const healths = parseHealths(health);
  const counts = status?.resources.classes.find((c) => c.full === full);
  const error = rows.error ?? (declared ? null : undeclared);
  const filtered = q !== undefined || healths.length > 0 || where.size > 0;

  const filter: ResourceFilter = {
    plugin,
    class: name,
    limit: pageSize,
    ...(q === undefined ? {} : { q }),
    ...(healths.length > 0 ? { health: healths } : {}),
    ...(where.size > 0 ? { where: conditions(where) } : {}),
    sort: sort ?? 'name',
  };
  // The rows may come before the declarations, whose columns they then wait for.
  usePrefetchQuery(resourcePageQuery(filter, 0));

  /** Changes the address; what the reader sets in a table is no step back. */
  const set = useCallback(
    (change: { q?: string; health?: string; sort?: string; where?: string; columns?: string; row?: string }): void => {
      const stays = 'columns' in change || 'row' in change;
      void navigate({ search: (old) => ({ ...old, ...(stays ? {} : { row: '' }), ...change }), replace: true, resetScroll: false });
    },
    [navigate],
  );
  const onRow = useCallback((n: number) => set({ row: n === 0 ? '' : String(n + 1) }), [set]);
  const setWhere = (attribute: string, condition: string | undefined) => {
    const next = new Map(where);
    if (condition === undefined) next.delete(attribute);
    else next.set(attribute, condition);
    set({ where: formatWhere(next) });
  };

  return (
    <Page title={label} fill>
      <div className={classes['head']}>
        <h1>{label}</h1>
        <span className={`${classes['count'] ?? ''} muted number`}>
          {rows.total === undefined ? '' : formatCount(rows.total)}
          {filtered && counts ? ` of ${formatCount(counts.count)}` : ''} · {plugin}
        </span>
        <div className={classes['tools']}>
          <HealthFilter label="Filter by health" value={healths} counts={counts?.health} onChange={(v) => set({ health: v.join(',') })} />
          <FilterText label="Filter by text" value={q ?? ''} onChange={(v) => set({ q: v })} />
          <ColumnChoice all={all} shown={columns} onChange={(names) => set({ columns: names === undefined ? '' : names.join(',') || 'name' })} />
          <Download filter={filter} columns={['name', 'health', ...columns.slice(1).map((c) => c.id)]} />
        </div>
      </div>
      {error && (
        <p role="alert" className={classes['error']}>
          {error instanceof ProblemError ? error.message : `The resources cannot be listed: ${errorText(error)}`}
        </p>
      )}
      {cls ? (
        <ResourceTable
          label={`${label}, table`}
          columns={columns}
          filter={filter}
          expected={counts?.count ?? 0}
          sort={sort ?? 'name'}
          onSort={(s) => set({ sort: s ?? '' })}
          where={where}
          onWhere={setWhere}
          row={Math.max(0, Number(row ?? 1) - 1) || 0}
          onRow={onRow}
          onRows={setRows}
          acts={
            <>
              <SortAnew full={full} />
              {filtered && (
                <Button size="compact-xs" variant="default" onClick={() => set({ q: '', health: '', where: '' })}>
                  Clear filters
                </Button>
              )}
            </>
          }
          empty={
            <Message title={filtered ? 'Nothing fits the filter' : `There is no ${label} yet`}>
              <p>{filtered ? 'Choose another health, text or value.' : 'It appears here as soon as a plugin reports one.'}</p>
            </Message>
          }
        />
      ) : (
        <Skeleton style={{ flex: 1 }} radius={6} />
      )}
    </Page>
  );
}

/** Offers the right order again when values changed by which the table is sorted. */
function SortAnew({ full }: { full: string }) {
  const client = useQueryClient();
  const { data: moved } = useQuery({ queryKey: keys.moved(full), queryFn: () => 0, enabled: false, initialData: 0 });
  if (moved === 0) return null;
  return (
    <Button
      size="compact-xs"
      variant="default"
      leftSection={<IconArrowsSort size={14} aria-hidden />}
      onClick={() => {
        client.setQueryData(keys.moved(full), 0);
        void client.invalidateQueries({ queryKey: ['resources'] });
      }}
    >
      Sort anew
    </Button>
  );
}
