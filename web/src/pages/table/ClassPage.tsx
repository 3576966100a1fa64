import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { errorText } from '../../api/problem';
import { classesQuery, resourcesQuery, statusQuery, type ResourceFilter } from '../../api/queries';
import { formatCount } from '../../format/number';
import { ClassLabels } from '../../ui/classes';
import { FilterText } from '../../ui/FilterText';
import { parseHealths } from '../../ui/health';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { classColumns, nameColumn } from './columns';
import { HealthFilter } from './HealthFilter';
import { ResourceTable } from './ResourceTable';
import classes from './ClassPage.module.css';

const route = getRouteApi('/resources/$plugin/$class');
const pageSize = 100;

/** The resources of one class, with the class's own columns. */
export function ClassPage() {
  const { plugin, class: name } = route.useParams();
  const { q, health, sort } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: declared } = useQuery(classesQuery);
  const { data: status } = useQuery(statusQuery);
  const full = `${plugin}.${name}`;
  const cls = declared?.items.find((c) => c.full === full);
  const label = new ClassLabels(declared?.items ?? []).label(full);
  const columns = useMemo(() => (cls ? classColumns(cls) : [nameColumn]), [cls]);
  const healths = parseHealths(health);

  const filter: ResourceFilter = {
    plugin,
    class: name,
    limit: pageSize,
    ...(q === undefined ? {} : { q }),
    ...(healths.length > 0 ? { health: healths } : {}),
    sort: sort ?? 'name',
  };
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(resourcesQuery(filter));
  const rows = useMemo(() => data?.pages.flatMap((p) => p.items), [data]);
  const counts = status?.resources.classes.find((c) => c.full === full);
  const filtered = q !== undefined || healths.length > 0;
  const total = filtered ? (hasNextPage ? undefined : rows?.length) : counts?.count;

  /** Changes the address; what the reader filters by is no step back. */
  function set(change: { q?: string; health?: string; sort?: string }): void {
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  }

  if (declared && !cls) {
    return (
      <Message page title={`There is no class ${full}`}>
        <p>Its plugin does not declare it, or is not loaded.</p>
      </Message>
    );
  }
  return (
    <Page title={label} fill>
      <div className={classes['head']}>
        <h1>{label}</h1>
        <span className="muted number">
          {total !== undefined ? formatCount(total) : rows ? `more than ${formatCount(rows.length)}` : ''}
          {filtered && counts ? ` of ${formatCount(counts.count)}` : ''} · {plugin}
        </span>
        <div className={classes['filters']}>
          <HealthFilter label="Filter by health" value={healths} counts={counts?.health} onChange={(v) => set({ health: v.join(',') })} />
          <FilterText label="Filter by text" value={q ?? ''} onChange={(v) => set({ q: v })} />
        </div>
      </div>
      {error && !rows ? (
        <Message title="The resources cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <ResourceTable
          key={full}
          label={`${label}, table`}
          columns={columns}
          rows={cls ? rows : undefined}
          total={total}
          sort={sort ?? 'name'}
          onSort={(s) => set({ sort: s ?? '' })}
          more={hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined}
          loadingMore={isFetchingNextPage}
          empty={
            <Message title={filtered ? 'Nothing fits the filter' : `There is no ${label} yet`}>
              <p>{filtered ? 'Choose another health or text.' : 'It appears here as soon as a plugin reports one.'}</p>
            </Message>
          }
        />
      )}
    </Page>
  );
}
