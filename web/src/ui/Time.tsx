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
  // The slow clock lags; what lies between it and now is no future.
  const now = Math.max(useNow(seconds), Date.parse(time) || 0);
  return (
    <time dateTime={time} title={formatTime(time)}>
      {formatAgo(time, now)}
    </time>
  );
}

/** When something planned happens: "in 4 s", or "now" if its time has come. */
export function Until({ time }: { time: string }) {
  const now = useNow(true);
  return (
    <time dateTime={time} title={formatTime(time)}>
      {Date.parse(time) <= now ? 'now' : formatAgo(time, now)}
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
