import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isMarked, noMarks, takeResources, takeSamples } from './changes';
import type { Schema } from './client';
import { keys } from './queries';
import { Refresher } from './refresh';

function disk(id: number, status = 'OK'): Schema['Resource'] {
  return {
    id,
    plugin: 'acme',
    class: 'Disk',
    bases: ['Resource'],
    label: `Disk ${id}`,
    alias: null,
    name: `Disk ${id}`,
    identifier: {},
    scope: 1,
    reported_by: [1],
    attributes: { status: { kind: 'enum', label: 'Status', value: status, text: status } },
    statistics: { temperature: { kind: 'gauge', label: 'Temperature', unit: 'C', value: 30 } },
    health: 'ok',
    own_alerts: [],
    inherited_alerts: [],
    parents: [],
    children_count: 0,
    stale: false,
    deletable: false,
    first_seen: '2026-01-01T00:00:00Z',
    updated: '2026-01-01T00:00:00Z',
  };
}

const filter = { plugin: 'acme', class: 'Disk', sort: 'name' };
const table = keys.resources(filter);
const next = keys.resources(filter, 2);
const update = (id: number, status: string): Schema['ResourcesEvent'] => ({
  seq: 1,
  time: '2026-01-01T00:00:00Z',
  root: 1,
  updated: [{ id, plugin: 'acme', class: 'Disk', attributes: { status: { value: status, text: status } } }],
});

function client(): QueryClient {
  const c = new QueryClient();
  c.setQueryData(table, { items: [disk(1), disk(2)], total: 3 });
  c.setQueryData(next, { items: [disk(3)], total: 3 });
  c.setQueryData(keys.resource(2), disk(2));
  return c;
}

const rows = (c: QueryClient, key = table) => c.getQueryData<Schema['ResourceList']>(key);

describe('takeResources', () => {
  it('writes new values into tables and resources, and leaves other pages alone', () => {
    const c = client();
    const before = rows(c, next);
    const marks = noMarks();
    takeResources(c, update(2, 'FAILED'), marks);
    expect(rows(c)?.items[1]?.attributes['status']?.text).toBe('FAILED');
    expect(rows(c, next)).toBe(before);
    expect(c.getQueryData<Schema['Resource']>(keys.resource(2))?.attributes['status']?.value).toBe('FAILED');
    // The rows stand sorted by name, which did not change: nothing to read again.
    expect(marks.classes.size).toBe(0);
    expect([...marks.resources]).toEqual([2]);
    expect(isMarked(keys.history(2), marks)).toBe(true);
    expect(isMarked(keys.history(1), marks)).toBe(false);
    // How a file system stands follows from its volumes.
    expect(isMarked(keys.resource(1), { ...noMarks(), volumes: true })).toBe(true);
  });

  it('leaves a row where it stands in a table that is sorted by what changed, and says so', () => {
    const c = client();
    const sorted = keys.resources({ plugin: 'acme', class: 'Disk', sort: '-status' });
    c.setQueryData(sorted, { items: [disk(2)], total: 1 });
    const marks = noMarks();
    takeResources(c, update(2, 'FAILED'), marks);
    expect(isMarked(sorted, marks)).toBe(false);
    expect(c.getQueryData(keys.moved('acme.Disk'))).toBe(1);
    expect(rows(c, sorted)?.items[0]?.attributes['status']?.text).toBe('FAILED');
  });

  it('marks a table that asks for what changed', () => {
    const c = client();
    const asking = keys.resources({ plugin: 'acme', class: 'Disk', where: ['status=OK'] });
    const other = keys.resources({ plugin: 'acme', class: 'Disk', where: ['serial~status'] });
    c.setQueryData(asking, { items: [], total: 0 });
    const marks = noMarks();
    takeResources(c, update(2, 'FAILED'), marks);
    expect(isMarked(asking, marks)).toBe(true);
    c.removeQueries({ queryKey: asking });
    c.setQueryData(other, { items: [], total: 0 });
    const none = noMarks();
    takeResources(c, update(2, 'FAILED'), none);
    expect(isMarked(other, none)).toBe(false);
  });

  it('marks what created and deleted resources change', () => {
    const marks = noMarks();
    takeResources(client(), { seq: 1, time: '', root: 0, created: [{ id: 9, plugin: 'acme', class: 'Disk', name: 'x' }] }, marks);
    expect(isMarked(table, marks)).toBe(true);
    expect(isMarked(keys.status, marks)).toBe(true);
    expect(isMarked(keys.graph(5), marks)).toBe(true);
  });

  it('marks the classes of a bulk change', () => {
    const marks = noMarks();
    takeResources(client(), { seq: 1, time: '', root: 1, bulk: true, counts: { created: { 'acme.Disk': 100000 }, updated: {}, deleted: {} } }, marks);
    expect([...marks.classes]).toEqual(['acme.Disk']);
    expect(isMarked(keys.roots, marks)).toBe(true);
    expect(isMarked(keys.plugins, marks)).toBe(false);
  });
});

it('takeSamples writes samples into what shows them', () => {
  const c = client();
  takeSamples(c, { items: [{ resource: 2, name: 'temperature', time: '2026-01-01T00:00:10Z', value: 44 }] });
  expect(c.getQueryData<Schema['Resource']>(keys.resource(2))?.statistics['temperature']?.value).toBe(44);
});

describe('Refresher', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('makes one round of a storm, and rests before the next', async () => {
    const c = new QueryClient();
    const spy = vi.spyOn(c, 'invalidateQueries').mockResolvedValue();
    const refresher = new Refresher(c, { gather: 100, rest: 1000 });
    for (let i = 0; i < 500; i++) refresher.mark((m) => (m.health = true));
    await vi.advanceTimersByTimeAsync(100);
    expect(spy).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 9; i++) {
      refresher.mark((m) => (m.health = true));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(spy).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(spy).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(spy).toHaveBeenCalledTimes(2);
  });

  it('rests longer when a round takes long, and forgets no mark made meanwhile', async () => {
    const c = new QueryClient();
    const spy = vi.spyOn(c, 'invalidateQueries').mockImplementation(() => new Promise((resolve) => setTimeout(resolve, 2000)));
    const refresher = new Refresher(c, { gather: 100, rest: 1000 });
    refresher.mark((m) => (m.edges = true));
    await vi.advanceTimersByTimeAsync(500);
    refresher.mark((m) => m.classes.add('acme.Disk'));
    await vi.advanceTimersByTimeAsync(1600 + 3900);
    expect(spy).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(spy).toHaveBeenCalledTimes(2);
  });
});

describe('hosts and volumes', () => {
  const event = (more: Partial<Schema['ResourcesEvent']>): Schema['ResourcesEvent'] => ({ seq: 1, time: '', root: 0, ...more });
  const marked = (e: Schema['ResourcesEvent']) => {
    const marks = noMarks();
    takeResources(client(), e, marks);
    return [keys.hosts, keys.host(7), keys.volumes({}), keys.volume(7)].map((k) => isMarked(k, marks));
  };

  it('are read again when a host changes, or what one reports comes or goes, and not for each value', () => {
    expect(marked(event({ updated: [{ id: 7, plugin: 'faultline', class: 'Host', attributes: {} }] }))).toEqual([true, true, false, false]);
    expect(marked(event({ created: [{ id: 8, plugin: 'linux', class: 'LocalMount', name: '/' }] }))).toEqual([true, true, true, true]);
    expect(marked(update(2, 'FAILED'))).toEqual([false, false, false, false]);
  });

  it('follow the events of volumes', () => {
    const marks = { ...noMarks(), volumes: true };
    expect(isMarked(keys.volumes({ q: 'x' }), marks)).toBe(true);
    expect(isMarked(keys.volume(3), marks)).toBe(true);
    expect(isMarked(keys.hosts, marks)).toBe(false);
  });
});
