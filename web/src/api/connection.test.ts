import { expect, it, vi } from 'vitest';
import { Connection, type ConnectionState } from './connection';

/** An event stream whose other end is in the test's hand. */
class Stream {
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly response = new Response(new ReadableStream<Uint8Array>({ start: (c) => (this.controller = c) }));
  send(text: string): void {
    this.controller.enqueue(new TextEncoder().encode(text));
  }
  close(): void {
    this.controller.close();
  }
  fail(): void {
    this.controller.error(new TypeError('reset'));
  }
}

function setup(options: { silence?: number } = {}) {
  const streams: Stream[] = [];
  const opened: { after: string; watched: number[] }[] = [];
  const events: string[] = [];
  const states: ConnectionState[] = [];
  let gaps = 0;
  const stop = new AbortController();
  const connection = new Connection({
    open: (after, watched, signal) => {
      const stream = new Stream();
      signal.addEventListener('abort', () => {
        try {
          stream.fail();
        } catch {
          // It had ended already.
        }
      });
      opened.push({ after, watched });
      streams.push(stream);
      return Promise.resolve(stream.response);
    },
    onEvent: (e) => events.push(`${e.event} ${e.data}`),
    onState: (s) => states.push(s),
    onGap: () => gaps++,
    backoff: () => 1,
    ...options,
  });
  const done = connection.run(stop.signal);
  return { streams, opened, events, states, gaps: () => gaps, stop, connection, done };
}

const ready = (id: string) => `id: ${id}\nevent: ready\ndata: {"position":"${id}"}\n\n`;

it('tells events, and resumes after the last one when the stream breaks', async () => {
  const t = setup();
  await vi.waitFor(() => expect(t.streams).toHaveLength(1));
  t.streams[0]?.send(ready('5') + 'id: 6\nevent: alerts\ndata: a\n\n');
  await vi.waitFor(() => expect(t.events).toEqual(['alerts a']));
  expect(t.states).toEqual(['connecting', 'live']);
  expect(t.gaps()).toBe(1);
  t.streams[0]?.fail();
  await vi.waitFor(() => expect(t.streams).toHaveLength(2));
  expect(t.opened[1]?.after).toBe('6');
  t.streams[1]?.send(ready('6'));
  await vi.waitFor(() => expect(t.states).toEqual(['connecting', 'live', 'reconnecting', 'live']));
  expect(t.gaps()).toBe(1); // a resumed stream has no gap
  t.stop.abort();
  await t.done;
});

it('asks for the lists again after a reset', async () => {
  const t = setup();
  await vi.waitFor(() => expect(t.streams).toHaveLength(1));
  t.streams[0]?.send(ready('5') + 'id: 90\nevent: reset\ndata: {}\n\n');
  await vi.waitFor(() => expect(t.gaps()).toBe(2));
  t.stop.abort();
  await t.done;
});

it('changes what it watches without a word of reconnecting', async () => {
  const t = setup();
  await vi.waitFor(() => expect(t.streams).toHaveLength(1));
  t.streams[0]?.send(ready('5'));
  await vi.waitFor(() => expect(t.states).toContain('live'));
  t.connection.watch([9, 3]);
  await vi.waitFor(() => expect(t.streams).toHaveLength(2));
  expect(t.opened[1]).toEqual({ after: '5', watched: [3, 9] });
  t.connection.watch([3, 9]); // the same
  t.streams[1]?.send(ready('5'));
  await vi.waitFor(() => expect(t.states).toEqual(['connecting', 'live', 'live']));
  expect(t.streams).toHaveLength(2);
  t.stop.abort();
  await t.done;
});

it('gives a silent stream up', async () => {
  const t = setup({ silence: 20 });
  await vi.waitFor(() => expect(t.streams.length).toBeGreaterThan(1));
  expect(t.states).toContain('reconnecting');
  t.stop.abort();
  await t.done;
});
