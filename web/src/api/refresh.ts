import type { Query, QueryClient } from '@tanstack/react-query';
import { isMarked, noMarks, type Marks } from './changes';
import { isFrom } from './positions';

export interface RefreshOptions {
  /** How long to gather marks before the first refresh, in milliseconds. */
  gather?: number;
  /** The least time between two refreshes. */
  rest?: number;
}

/**
 * Reads marked answers again, one round at a time. A storm of events makes
 * one round after another with a rest between, never a request per event,
 * and the rest grows with the time that a round takes, up to five times.
 */
export class Refresher {
  private readonly client: QueryClient;
  private readonly gather: number;
  private readonly rest: number;
  private marks = noMarks();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private notBefore = 0;
  private unwatch: () => void = () => undefined;

  constructor(client: QueryClient, { gather = 120, rest = 1000 }: RefreshOptions = {}) {
    this.client = client;
    this.gather = gather;
    this.rest = rest;
  }

  /** Lets the caller mark what is out of date, and sees to it in due time. */
  mark(set: (marks: Marks) => void): void {
    set(this.marks);
    this.schedule();
  }

  /**
   * Reads again what is not from the position at which a stream of events begins: the stream does not tell what
   * changed before. What is under way is looked at when it comes.
   */
  begin(position: string): void {
    const cache = this.client.getQueryCache();
    const check = (query: Query) => {
      if (!isFrom(query.state.data, position)) void this.client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    };
    const coming = new Set(cache.findAll({ fetchStatus: 'fetching' }));
    cache.findAll({ fetchStatus: 'idle' }).forEach(check);
    this.unwatch();
    this.unwatch = cache.subscribe((event) => {
      const query = event.query as Query;
      if (event.type === 'updated' && event.action.type === 'success' && coming.delete(query)) check(query);
    });
  }

  /** Forgets marks and planned rounds. */
  stop(): void {
    this.unwatch();
    clearTimeout(this.timer);
    this.timer = undefined;
    this.marks = noMarks();
  }

  private schedule(): void {
    if (this.timer !== undefined || this.running) return;
    const wait = Math.max(this.gather, this.notBefore - Date.now());
    this.timer = setTimeout(() => void this.round(), wait);
  }

  private async round(): Promise<void> {
    this.timer = undefined;
    this.running = true;
    const marks = this.marks;
    this.marks = noMarks();
    const start = Date.now();
    try {
      await this.client.invalidateQueries(
        { predicate: (query) => isMarked(query.queryKey, marks) },
        // An answer under way may be from before the change, so it is asked again.
        { cancelRefetch: true },
      );
    } finally {
      this.running = false;
      this.notBefore = Date.now() + Math.max(this.rest, Math.min(5 * this.rest, 2 * (Date.now() - start)));
      if (isAny(this.marks)) this.schedule();
    }
  }
}

function isAny(m: Marks): boolean {
  return m.everything || m.health || m.edges || m.roots || m.hosts || m.volumes || m.classes.size > 0 || m.resources.size > 0;
}
