import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { incidentsQuery, controllersQuery, shownIncidents, standingQuery } from '../../api/queries';
import { HealthIcon } from '../../ui/HealthIcon';
import { Page } from '../../ui/Page';
import { StandingMark } from '../../ui/StandingMark';
import classes from './TopologyPage.module.css';

/** Where to start through the graph. */
export function StartPage() {
  const { data: standing } = useQuery(standingQuery);
  const { data: incidents } = useQuery(incidentsQuery(shownIncidents));
  const { data: roots } = useQuery(controllersQuery);
  return (
    <Page title="Topology">
      <h1>Topology</h1>
      <p className="muted" style={{ margin: 0 }}>
        Choose where to start: the graph is drawn around it, causes on the left and effects on the right. The search box finds everything else; each resource’s page leads
        here, too.
      </p>
      <div className={classes['grid']}>
        <Starts title="File systems" none="No file system is known." items={standing?.filesystems.items.map((i) => ({ id: i.resource.id, name: i.resource.name, mark: <StandingMark state={i.state} /> }))} />
        <Starts title="Open incidents" none="There is none." items={incidents?.items.slice(0, 12).map((i) => ({ id: i.id, name: i.resource.name, mark: <HealthIcon health={i.severity} /> }))} />
        <Starts title="Controllers and hosts" none="There is none yet." items={roots?.items.slice(0, 50).map((r) => ({ id: r.id, name: r.name, mark: <HealthIcon health={r.health} /> }))} />
      </div>
    </Page>
  );
}

function Starts({ title, none, items }: { title: string; none: string; items: { id: number; name: string; mark: React.ReactNode }[] | undefined }) {
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {items ? (
        <ul className={classes['starts']}>
          {items.map((i) => (
            <li key={i.id}>
              {i.mark}
              <Link to="/topology/$id" params={{ id: String(i.id) }}>
                {i.name}
              </Link>
            </li>
          ))}
          {items.length === 0 && <li className="muted">{none}</li>}
        </ul>
      ) : (
        <Skeleton height={60} m="md" width="auto" />
      )}
    </section>
  );
}
