import { useSyncExternalStore } from 'react';
import { formatAgo, formatTime, formatTimeShort } from '../format/time';

// One clock for the page: relative times move together, twice a minute, and
// every second where something is about to happen.
function subscribe(period: number) {
  return (listener: () => void) => {
    const timer = setInterval(listener, period);
    return () => clearInterval(timer);
  };
}
const slow = subscribe(15_000);
const fast = subscribe(1000);

/** The present time, in steps of 15 s or of 1 s. */
export function useNow(seconds = false): number {
  const step = seconds ? 1000 : 15_000;
  return useSyncExternalStore(seconds ? fast : slow, () => Math.floor(Date.now() / step) * step);
}

interface Props {
  time: string;
  /** Counts in seconds: for what is soon or was just now. */
  seconds?: boolean;
}

/** How long ago something was; the exact time in the reader's zone as a hint. */
export function Ago({ time, seconds = false }: Props) {
  const now = useNow(seconds);
  return (
    <time dateTime={time} title={formatTime(time)}>
      {formatAgo(time, now)}
    </time>
  );
}

/** A point in time in the reader's zone, short. */
export function When({ time }: { time: string }) {
  const now = useNow();
  return (
    <time dateTime={time} title={formatTime(time)} className="number">
      {formatTimeShort(time, now)}
    </time>
  );
}
