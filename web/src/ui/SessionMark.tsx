import type { Schema } from '../api/client';
import classes from './SessionMark.module.css';

type State = Schema['SessionState']['state'];

const names: Record<State, string> = { live: 'Live', connecting: 'Connecting', offline: 'Offline' };

/** What people call the state of a root's session. */
export function sessionName(state: State | undefined): string {
  return state === undefined ? 'Unknown' : names[state];
}

/** The state of a root's session: full, half or crossed out. */
export function SessionMark({ state, silent = false }: { state: State | undefined; silent?: boolean }) {
  const label = silent ? { 'aria-hidden': true } : { role: 'img', 'aria-label': sessionName(state) };
  return (
    <svg className={classes['mark']} data-state={state} width="14" height="14" viewBox="0 0 14 14" {...label}>
      <circle cx="7" cy="7" r="5" fill={state === 'live' ? 'currentColor' : 'none'} stroke="currentColor" strokeWidth="1.6" />
      {state === 'connecting' && <path d="M7 2a5 5 0 0 1 0 10Z" fill="currentColor" />}
      {state === 'offline' && <path d="m3.6 10.4 6.8-6.8" stroke="currentColor" strokeWidth="1.6" />}
    </svg>
  );
}
