import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { linkageQuery, childrenQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { healthName, severities } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { StaleMark } from '../../ui/StaleMark';
import { Linkage } from './Linkage';
import classes from './Relatives.module.css';

interface Props {
  resource: Schema['Resource'];
  graph: Schema['Graph'] | undefined;
  labels: ClassLabels;
  /** The relative whose link is explained. */
  explained: number | undefined;
  onExplain: (other: number | undefined) => void;
}

/** What is directly above and below the resource. */
export function Relatives(props: Props) {
  return (
    <div className={classes['both']}>
      <Parents {...props} />
      <Children {...props} />
    </div>
  );
}

const shownFirst = 10;

function Parents({ resource, graph, ...rest }: Props) {
  const [limit, setLimit] = useState(shownFirst);
  const rank = (n: Row) => [...severities, 'ok'].indexOf(n.health);
  const rows = (graph?.nodes ?? []).filter((n) => n.depth === -1).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return (
    <Table title="Parents" help="A fault of one of these is a fault of it" count={resource.parents.length} none="Nothing affects it directly." start={resource.id} rows={rows.slice(0, limit)} {...rest} onMore={rows.length > limit ? () => setLimit(limit + 50) : undefined} />
  );
}

function Children({ resource, graph: _, ...rest }: Props) {
  const { data, hasNextPage, fetchNextPage } = useInfiniteQuery({ ...childrenQuery(resource.id, shownFirst), enabled: resource.children_count > 0 });
  return (
    <Table title="Children" help="A fault of it is a fault of these" count={resource.children_count} none="It affects nothing directly." start={resource.id} rows={data?.pages.flatMap((p) => p.items) ?? []} {...rest} onMore={hasNextPage ? () => void fetchNextPage() : undefined} />
  );
}

type Row = Pick<Schema['Node'], 'id' | 'plugin' | 'class' | 'name' | 'health' | 'stale'>;

interface TableProps extends Pick<Props, 'labels' | 'explained' | 'onExplain'> {
  title: string;
  help: string;
  count: number;
  none: string;
  start: number;
  rows: Row[];
  onMore: (() => void) | undefined;
}

function Table({ title, help, count, none, start, rows, labels, explained, onExplain, onMore }: TableProps) {
  const id = title.toLowerCase();
  return (
    <section className="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <span className="muted">{count === 0 ? '' : `${formatCount(count)} · ${help}`}</span>
      </header>
      {count === 0 ? (
        <p className={classes['none']}>{none}</p>
      ) : (
        <table className={`plain ${classes['table'] ?? ''}`}>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Class</th>
              <th scope="col">Health</th>
              <th scope="col">
                <span className="visually-hidden">Link</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <Fragment key={r.id}>
                <tr>
                  <th scope="row">
                    <ResourceLink id={r.id}>{r.name}</ResourceLink> {r.stale && <StaleMark />}
                  </th>
                  <td className="muted">{labels.label(fullClass(r))}</td>
                  <td>
                    <span className={classes['health']}>
                      <HealthIcon health={r.health} silent /> {healthName(r.health)}
                    </span>
                  </td>
                  <td className="right">
                    <button type="button" className={classes['why']} aria-expanded={explained === r.id} aria-label={`Why linked with ${r.name}?`} onClick={() => onExplain(explained === r.id ? undefined : r.id)}>
                      Why?
                    </button>
                  </td>
                </tr>
                {explained === r.id && (
                  <tr>
                    <td colSpan={4} className={classes['linkage']}>
                      <Explained id={start} other={r.id} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      )}
      {onMore && (
        <button type="button" className={classes['more']} onClick={onMore}>
          Show more
        </button>
      )}
    </section>
  );
}

function Explained({ id, other }: { id: number; other: number }) {
  const { data, error } = useQuery(linkageQuery(id, other));
  if (error) return <p role="alert">The reason cannot be read: {errorText(error)}</p>;
  return data ? <Linkage linkage={data} /> : <p className="muted">Asking …</p>;
}
