import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { errorText } from '../../api/problem';
import { resourcesQuery } from '../../api/queries';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { classColumn, nameColumn } from '../table/columns';
import { ResourceTable } from '../table/ResourceTable';

const route = getRouteApi('/search');
const columns = [{ ...nameColumn, width: 380 }, classColumn];

/** All resources of any class with a text in their name or attributes. */
export function SearchPage() {
  const { q = '' } = route.useSearch();
  const [sort, setSort] = useState<string | undefined>('-health');
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    resourcesQuery({ ...(q === '' ? {} : { q }), sort: sort ?? 'name', limit: 100 }),
  );
  const rows = useMemo(() => data?.pages.flatMap((p) => p.items), [data]);
  return (
    <Page title={`Search: ${q}`} fill>
      <h1>Found for “{q}”</h1>
      {error && !rows ? (
        <Message title="The search failed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <ResourceTable
          key={q}
          label="Found resources"
          columns={columns}
          rows={rows}
          total={hasNextPage ? undefined : rows?.length}
          sort={sort}
          onSort={setSort}
          more={hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined}
          loadingMore={isFetchingNextPage}
          empty={
            <Message title="Nothing was found">
              <p>No resource has this text in its name or in an attribute.</p>
            </Message>
          }
        />
      )}
    </Page>
  );
}
