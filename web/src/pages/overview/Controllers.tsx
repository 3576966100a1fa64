import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../../api/client';
import { controllersQuery } from '../../api/queries';
import { fullClass } from '../../ui/classes';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { sessionName, SessionMark } from '../../ui/SessionMark';
import { Ago, Until } from '../../ui/Time';
import { useClasses } from '../../ui/useClasses';
import classes from './Controllers.module.css';

const shown = 12;

/** The silent ones come first: what they report may be out of date. */
function order(r: Schema['Resource']): number {
  return r.session?.state === 'offline' ? 0 : r.session?.state === 'live' ? 2 : 1;
}

/** The roots and whether they can be reached, the silent ones first. */
export function Controllers() {
  const { data } = useQuery(controllersQuery);
  const labels = useClasses();
  const roots = useMemo(() => [...(data?.items ?? [])].sort((a, b) => order(a) - order(b)), [data]);
  const silent = roots.filter((r) => r.session?.state === 'offline').length;
  return (
    <section className="panel" aria-labelledby="controllers">
      <header>
        <h2 id="controllers">Controllers and hosts</h2>
        {silent > 0 && (
          <span className={classes['silent']}>
            {silent} {silent === 1 ? 'is' : 'are'} silent
          </span>
        )}
        <Button component={Link} to="/add" variant="default">
          Add a controller
        </Button>
      </header>
      {data ? (
        <ul className={classes['list']}>
          {roots.slice(0, shown).map((r) => (
            <li key={r.id}>
              <SessionMark state={r.session?.state} silent />
              <div className={classes['body']}>
                <div className={classes['first']}>
                  <ResourceLink id={r.id}>{r.name}</ResourceLink>
                  {r.health !== 'ok' && <HealthIcon health={r.health} size={14} />}
                </div>
                <div className="muted">
                  {labels.label(fullClass(r))} · {sessionName(r.session?.state)}
                  <Contact session={r.session} />
                </div>
                {r.session && r.session.error !== '' && <div className={classes['error']}>{r.session.error}</div>}
                {r.session && r.session.incomplete.length > 0 && (
                  <div className="muted">
                    {r.session.incomplete.length === 1 ? 'One part' : `${r.session.incomplete.length} parts`} of it could not be read
                  </div>
                )}
              </div>
            </li>
          ))}
          {data.items.length === 0 && <li className="muted">There is none yet.</li>}
          {(roots.length > shown || data.more) && (
            <li className="muted">{data.more ? `${shown} of more than ${roots.length} are shown.` : `${roots.length - shown} more, all of them reached.`}</li>
          )}
        </ul>
      ) : (
        <div className={classes['list']} aria-hidden="true">
          <Skeleton height={40} m="md" width="auto" />
          <Skeleton height={40} m="md" width="auto" />
        </div>
      )}
    </section>
  );
}

function Contact({ session }: { session: Schema['SessionState'] | undefined }) {
  if (!session) return null;
  return (
    <>
      {session.last_contact !== undefined && (
        <>
          {' '}
          · last contact <Ago time={session.last_contact} />
        </>
      )}
      {session.next_try !== undefined && (
        <>
          {' '}
          · next try <Until time={session.next_try} />
        </>
      )}
    </>
  );
}
