import { Select, Tabs } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { alertsQuery, classesQuery, statusQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { FilterText } from '../../ui/FilterText';
import { isSeverity, severities } from '../../ui/health';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { useClasses } from '../../ui/useClasses';
import { HealthFilter } from '../table/HealthFilter';
import { AlertTable } from './AlertTable';
import classes from './AlertsPage.module.css';

const route = getRouteApi('/alerts');
const pageSize = 200;

/** The alerts that hold, and those that held. */
export function AlertsPage() {
  const { tab, severity, class: full, q = '', sort } = route.useSearch();
  const navigate = route.useNavigate();
  const labels = useClasses();
  const { data: status } = useQuery(statusQuery);
  const { data: declared } = useQuery(classesQuery);
  const history = tab === 'history';
  // The newest on top, unless the reader asks otherwise.
  const order = sort ?? (history ? '-ended' : '-began');
  const chosen = (severity ?? '').split(',').filter(isSeverity);

  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    alertsQuery({
      active: !history,
      limit: pageSize,
      ...(chosen.length > 0 ? { severity: chosen } : {}),
      ...(full === undefined ? {} : { class: full }),
      ...(q === '' ? {} : { q }),
      sort: order,
    }),
  );
  const rows = useMemo(() => data?.pages.flatMap((p) => p.items), [data]);

  function set(change: { tab?: string; sort?: string; severity?: string; class?: string; q?: string }): void {
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true });
  }

  const counts = status && !history ? { ok: 0, ...status.alerts } : undefined;
  const options = (declared?.items ?? []).map((c) => ({ value: c.full, label: `${c.plugin} › ${labels.label(c.full)}` }));
  const filtered = q !== '' || chosen.length > 0 || full !== undefined;
  return (
    <Page title="Alerts" fill>
      <div className={classes['head']}>
        <h1>Alerts</h1>
        <Tabs value={history ? 'history' : 'active'} onChange={(v) => set({ tab: v === 'history' ? 'history' : '', sort: '' })} variant="pills" keepMounted={false}>
          <Tabs.List aria-label="Which alerts">
            <Tabs.Tab value="active" aria-controls="alert-rows">
              Active
              {status && <span className={classes['count']}> {formatCount(status.alerts.error + status.alerts.warning + status.alerts.info)}</span>}
            </Tabs.Tab>
            <Tabs.Tab value="history" aria-controls="alert-rows">
              History
            </Tabs.Tab>
          </Tabs.List>
        </Tabs>
        <div className={classes['filters']}>
          <HealthFilter
            label="Filter by severity"
            options={severities}
            value={chosen}
            counts={counts}
            onChange={(v) => set({ severity: v.join(',') })}
          />
          <Select
            size="xs"
            aria-label="Filter by class"
            placeholder="Any class"
            data={options}
            value={full ?? null}
            onChange={(v) => set({ class: v ?? '' })}
            searchable
            clearable
            clearButtonProps={{ 'aria-label': 'Any class' }}
            className={classes['select'] ?? ''}
          />
          <FilterText label="Filter by text" value={q} onChange={(v) => set({ q: v })} />
        </div>
      </div>
      {error && !rows ? (
        <Message title="The alerts cannot be listed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <AlertTable
          key={history ? 'history' : 'active'}
          rows={rows}
          history={history}
          labels={labels}
          sort={order}
          onSort={(s) => set({ sort: s ?? '' })}
          more={hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined}
          empty={<Nothing filtered={filtered} history={history} status={status} />}
        />
      )}
    </Page>
  );
}

function Nothing({ filtered, history, status }: { filtered: boolean; history: boolean; status: Schema['Status'] | undefined }) {
  if (filtered) {
    return (
      <Message title="No alert fits the filter">
        <p>Choose another severity, class or text.</p>
      </Message>
    );
  }
  if (history) {
    return (
      <Message title="No alert has ended yet">
        <p>Alerts move here when their condition no longer holds.</p>
      </Message>
    );
  }
  return (
    <Message title="All is well">
      <p>
        {status ? `None of the conditions holds that are watched on ${formatCount(status.resources.total)} resources.` : 'No condition holds.'}
      </p>
    </Message>
  );
}
