import { useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { takeResources, takeSamples } from './changes';
import type { Schema } from './client';
import { Connection, type ConnectionState } from './connection';
import { Refresher } from './refresh';
import type { ServerEvent } from './sse';
import { refuseToken, token, useTokenWanted } from './token';

interface Live {
  state: ConnectionState;
  /** Asks for the samples of resources while a part of the page shows them. */
  watch: (ids: number[]) => () => void;
}

const LiveContext = createContext<Live>({ state: 'connecting', watch: () => () => undefined });

/** Keeps the page's answers up to date from the event stream. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const tokenWanted = useTokenWanted();
  const [state, setState] = useState<ConnectionState>('connecting');
  const [watchers] = useState(() => new Watchers());

  useEffect(() => {
    if (tokenWanted) return;
    const stop = new AbortController();
    const refresher = new Refresher(client);
    const connection = new Connection({
      open: openEvents,
      onState: setState,
      onGap: (begin) => (begin === undefined ? refresher.mark((m) => (m.everything = true)) : refresher.begin(begin)),
      onEvent: (event) => takeEvent(event),
    });
    function takeEvent(event: ServerEvent): void {
      switch (event.event) {
        case 'resources':
          refresher.mark((m) => takeResources(client, JSON.parse(event.data) as Schema['ResourcesEvent'], m));
          break;
        case 'alerts':
          refresher.mark((m) => (m.health = true));
          break;
        case 'volumes':
          refresher.mark((m) => (m.volumes = true));
          break;
        case 'statistics':
          takeSamples(client, JSON.parse(event.data) as Schema['StatisticsEvent']);
          break;
      }
    }
    watchers.connect((ids) => connection.watch(ids));
    void connection.run(stop.signal);
    return () => {
      stop.abort();
      refresher.stop();
      watchers.connect(undefined);
    };
  }, [client, tokenWanted, watchers]);

  const live = useMemo(() => ({ state, watch: (ids: number[]) => watchers.add(ids) }), [state, watchers]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** The state of the event stream. */
export function useConnectionState(): ConnectionState {
  return useContext(LiveContext).state;
}

/** Keeps the statistics of these resources live while the caller is shown. */
export function useWatch(ids: number[]): void {
  const { watch } = useContext(LiveContext);
  const key = ids.join();
  useEffect(() => (key === '' ? undefined : watch(key.split(',').map(Number))), [key, watch]);
}

async function openEvents(after: string, watched: number[], signal: AbortSignal): Promise<Response> {
  const query = watched.length > 0 ? `?statistics=${watched.join()}` : '';
  const headers = new Headers({ Accept: 'text/event-stream' });
  if (after !== '') headers.set('Last-Event-ID', after);
  if (token() !== '') headers.set('Authorization', `Bearer ${token()}`);
  const response = await fetch(`/api/v1/events${query}`, { headers, signal, cache: 'no-store' });
  if (response.status === 401) refuseToken();
  return response;
}

/** The union of what the parts of the page want to watch. */
class Watchers {
  private sets = new Set<number[]>();
  private apply: ((ids: number[]) => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  connect(apply: ((ids: number[]) => void) | undefined): void {
    this.apply = apply;
    this.plan();
  }

  add(ids: number[]): () => void {
    this.sets.add(ids);
    this.plan();
    return () => {
      this.sets.delete(ids);
      this.plan();
    };
  }

  // Scrolling changes the set many times a second; the stream is opened anew
  // only when it rests.
  private plan(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply?.([...new Set([...this.sets].flat())].slice(0, 1000)), 400);
  }
}
