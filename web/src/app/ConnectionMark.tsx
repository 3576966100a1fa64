import { useConnectionState } from '../api/live';
import classes from './ConnectionMark.module.css';

const words = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
} as const;

const hints = {
  connecting: 'The page asks the server for its changes.',
  live: 'Changes show here as they happen.',
  reconnecting: 'The server does not answer. What you see may be out of date.',
} as const;

/** Says whether the page shows what is, or what was. */
export function ConnectionMark() {
  const state = useConnectionState();
  return (
    <span className={classes['mark']} data-state={state} role="status" title={hints[state]}>
      <span className={classes['dot']} aria-hidden="true" />
      <span className={classes['word']}>{words[state]}</span>
    </span>
  );
}
