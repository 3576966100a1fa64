import { EventStreamParser, type ServerEvent } from './sse';

/** What the page knows of its event stream. */
export type ConnectionState = 'connecting' | 'live' | 'reconnecting';

export interface ConnectionOptions {
  /** Opens the stream after the given event, or from now on if that is empty. */
  open: (after: string, watched: number[], signal: AbortSignal) => Promise<Response>;
  /** Receives every event but `ready`, in order. */
  onEvent: (event: ServerEvent) => void;
  onState: (state: ConnectionState) => void;
  /**
   * Told when changes may have been missed, so that what was read must be read again; where a stream begins,
   * all but what is from its position.
   */
  onGap: (begin?: string) => void;
  /** How long to wait before try number n after a failure, in milliseconds. */
  backoff?: (n: number) => number;
  /** After so many milliseconds without a byte the stream counts as dead. */
  silence?: number;
}

/** 0.5 s, 1 s, 2 s … 15 s, each 25 % more or less so that pages do not come in step. */
function defaultBackoff(n: number): number {
  return Math.min(15_000, 500 * 2 ** n) * (0.75 + Math.random() / 2);
}

/**
 * Keeps one event stream open and resumes it where it broke. The server
 * sends a sign of life every 15 seconds.
 */
export class Connection {
  private readonly options: Required<ConnectionOptions>;
  private lastID = '';
  private watched: number[] = [];
  private current: AbortController | undefined;
  private switching = false;
  private failures = 0;

  constructor(options: ConnectionOptions) {
    this.options = { backoff: defaultBackoff, silence: 40_000, ...options };
  }

  /** Also asks for the samples of these resources. The stream goes on without a gap. */
  watch(ids: number[]): void {
    const next = [...ids].sort((a, b) => a - b);
    if (next.join() === this.watched.join()) return;
    this.watched = next;
    if (this.current) {
      this.switching = true;
      this.current.abort();
    }
  }

  /** Runs until the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    this.options.onState('connecting');
    const stopped = () => signal.aborted;
    while (!stopped()) {
      // A stream that broke is no error of ours: the next try is the answer.
      const switched = await this.once(signal).catch(() => this.takeSwitch());
      if (switched || stopped()) continue;
      this.options.onState('reconnecting');
      await pause(this.options.backoff(this.failures++), signal);
    }
  }

  private takeSwitch(): boolean {
    const { switching } = this;
    this.switching = false;
    return switching;
  }

  /** Reads one stream to its end, and tells whether it ended to be opened anew at once. */
  private async once(signal: AbortSignal): Promise<boolean> {
    const current = new AbortController();
    this.current = current;
    const stop = () => current.abort();
    signal.addEventListener('abort', stop);
    let timer = setTimeout(stop, this.options.silence);
    try {
      const response = await this.options.open(this.lastID, this.watched, current.signal);
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        return this.takeSwitch();
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventStreamParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return this.takeSwitch();
        clearTimeout(timer);
        timer = setTimeout(stop, this.options.silence);
        for (const event of parser.push(value)) this.take(event);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      current.abort();
      this.current = undefined;
    }
  }

  private take(event: ServerEvent): void {
    const first = this.lastID === '';
    if (event.id !== '') this.lastID = event.id;
    if (event.event === 'ready') {
      this.failures = 0;
      this.options.onState('live');
      // What was read before the stream began may lack what changed in between.
      if (first) this.options.onGap(event.id);
      return;
    }
    if (event.event === 'reset') this.options.onGap();
    this.options.onEvent(event);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
