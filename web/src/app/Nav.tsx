import { ActionIcon, Skeleton, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconDatabase, IconFlame, IconLayoutDashboard, IconPlus, IconPlug, IconServer, IconSitemap } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import type { Schema } from '../api/client';
import { classesQuery, controllersQuery, hostsQuery, incidentsQuery, pluginsQuery, shownIncidents, statusQuery } from '../api/queries';
import { formatCount, formatShort } from '../format/number';
import { worst } from '../ui/health';
import { HealthIcon } from '../ui/HealthIcon';
import { SessionMark } from '../ui/SessionMark';
import classes from './Nav.module.css';

/** The ways through the page: views, controllers, and each plugin's classes. */
export function Nav() {
  const { data: status } = useQuery(statusQuery);
  const { data: incidents } = useQuery(incidentsQuery(shownIncidents));
  const { data: plugins } = useQuery(pluginsQuery);
  const { data: hosts } = useQuery(hostsQuery);
  const { data: roots } = useQuery(controllersQuery);
  const { data: declared } = useQuery(classesQuery);
  const alerts = status && status.alerts.error + status.alerts.warning + status.alerts.info;
  const bad = plugins?.items.filter((p) => p.state === 'failed' || p.state === 'backoff').length ?? 0;
  const groups = useMemo(() => groupClasses(declared?.items ?? [], status), [declared, status]);

  return (
    <div className={classes['nav']}>
      <ul className={classes['list']}>
        <Item to="/" icon={<IconLayoutDashboard size={16} aria-hidden />} label="Overview" exact />
        <Item to="/incidents" icon={<IconFlame size={16} aria-hidden />} label="Incidents" count={incidents?.incidents} />
        <Item to="/alerts" icon={<IconAlertTriangle size={16} aria-hidden />} label="Alerts" count={alerts} />
        <Item to="/topology" icon={<IconSitemap size={16} aria-hidden />} label="Topology" />
        <Item to="/volumes" icon={<IconDatabase size={16} aria-hidden />} label="Volumes" />
        <Item
          to="/hosts"
          icon={<IconServer size={16} aria-hidden />}
          label="Hosts"
          count={hosts?.items.length}
          hint={hosts?.items.some((h) => h.state === 'lost') ? <HealthIcon health="error" size={14} /> : null}
        />
        <Item to="/plugins" icon={<IconPlug size={16} aria-hidden />} label="Plugins" hint={bad > 0 ? <HealthIcon health="error" size={14} /> : null} />
      </ul>
      <div className={classes['heading']}>
        <h2>Controllers</h2>
        <Tooltip label="Add a controller">
          <ActionIcon variant="subtle" size="sm" component={Link} to="/add" aria-label="Add a controller">
            <IconPlus size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      {roots ? (
        <ul className={classes['list']}>
          {roots.items.map((r) => (
            <Item
              key={r.id}
              to="/resource/$id"
              params={{ id: String(r.id) }}
              icon={<SessionMark state={r.session?.state} />}
              label={r.name}
              hint={r.health === 'ok' ? null : <HealthIcon health={r.health} size={14} />}
            />
          ))}
          {roots.items.length === 0 && <li className={classes['none']}>None yet</li>}
        </ul>
      ) : (
        <Wait rows={2} />
      )}
      {!status || !declared ? (
        <Wait rows={6} />
      ) : (
        groups.map(({ plugin, items }) => (
          <section key={plugin} aria-label={`Classes of ${plugin}`}>
            <div className={classes['heading']}>
              <h2>{plugin}</h2>
            </div>
            <ul className={classes['list']}>
              {items.map((c) => (
                <Item
                  key={c.name}
                  to="/resources/$plugin/$class"
                  params={{ plugin, class: c.name }}
                  icon={<HealthIcon health={worst(c.health)} size={14} />}
                  label={c.label}
                  count={c.count}
                />
              ))}
            </ul>
          </section>
        ))
      )}
    </div>
  );
}

interface Group {
  plugin: string;
  items: Schema['ClassStatus'][];
}

/** The classes that have resources, by plugin, labelled without the plugin's name. */
function groupClasses(declared: Schema['Class'][], status: Schema['Status'] | undefined): Group[] {
  const groups = new Map<string, Group>();
  const order = new Map(declared.map((c, i) => [c.full, i]));
  const items = [...(status?.resources.classes ?? [])].sort((a, b) => (order.get(a.full) ?? 0) - (order.get(b.full) ?? 0));
  for (const c of items) {
    let group = groups.get(c.plugin);
    if (!group) groups.set(c.plugin, (group = { plugin: c.plugin, items: [] }));
    group.items.push({ ...c, label: c.label === c.full ? c.name : c.label });
  }
  return [...groups.values()];
}

interface ItemProps {
  to: NonNullable<LinkProps['to']>;
  params?: Record<string, string>;
  icon: ReactNode;
  label: string;
  count?: number | undefined;
  hint?: ReactNode;
  exact?: boolean;
}

function Item({ to, params, icon, label, count, hint, exact = false }: ItemProps) {
  return (
    <li>
      <Link
        to={to}
        {...(params ? { params } : {})}
        className={classes['item']}
        activeOptions={{ exact, includeSearch: false }}
        activeProps={{ 'data-active': true, 'aria-current': 'page' }}
      >
        <span className={classes['icon']}>{icon}</span>
        <span className={classes['label']} title={label}>
          {label}
        </span>
        {hint}
        {count !== undefined && (
          <span className={classes['count']} title={formatCount(count)}>
            {formatShort(count)}
          </span>
        )}
      </Link>
    </li>
  );
}

function Wait({ rows }: { rows: number }) {
  return (
    <div className={classes['wait']} aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={16} width={`${85 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}
