import type { Schema } from '../../api/client';
import { sessionName, SessionMark } from '../../ui/SessionMark';
import { Ago, Until } from '../../ui/Time';
import classes from './Session.module.css';

/** Whether the controller can be reached, since when not, and what happens next. */
export function Session({ session }: { session: Schema['SessionState'] }) {
  return (
    <section className={`panel ${classes['session'] ?? ''}`} aria-label="Connection" data-state={session.state}>
      <dl>
        <div>
          <dt>Connection</dt>
          <dd className={classes['state']}>
            <SessionMark state={session.state} silent /> {sessionName(session.state)}
          </dd>
        </div>
        <div>
          <dt>Last contact</dt>
          <dd>{session.last_contact === undefined ? 'never' : <Ago time={session.last_contact} seconds />}</dd>
        </div>
        {session.next_try !== undefined && (
          <div>
            <dt>Next try</dt>
            <dd>
              <Until time={session.next_try} />
            </dd>
          </div>
        )}
        {session.error !== '' && (
          <div className={classes['error']}>
            <dt>Last error</dt>
            <dd>{session.error}</dd>
          </div>
        )}
      </dl>
      {session.incomplete.length > 0 && (
        <details>
          <summary>
            {session.incomplete.length === 1 ? 'One part' : `${session.incomplete.length} parts`} could not be read by the last scan
          </summary>
          <ul>
            {session.incomplete.map((text, i) => (
              <li key={i}>{text}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
