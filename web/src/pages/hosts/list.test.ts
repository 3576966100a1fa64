import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { chooseHosts, reported } from './list';
import { parseHostStates } from './states';

const host = (name: string, more: Partial<Schema['Host']> = {}): Schema['Host'] => ({
  id: 1,
  name,
  state: 'connected',
  plugins: [],
  volumes: 0,
  alerts: { error: 0, warning: 0, info: 0 },
  ...more,
});

const hosts = [
  host('oss10', { alerts: { error: 0, warning: 9, info: 0 }, plugins: [{ name: 'linux', session: 'live', resources: 40 }, { name: 'lustre', session: 'live', resources: 2 }] }),
  host('oss2', { state: 'lost', address: '10.1.0.2' }),
  host('oss1', { state: 'stopped', alerts: { error: 1, warning: 0, info: 0 } }),
];
const names = (filter: Partial<Parameters<typeof chooseHosts>[1]>) => chooseHosts(hosts, { states: [], q: '', sort: 'name', ...filter }).map((h) => h.name);

describe('chooseHosts', () => {
  it('sorts names as people count, and the other way round', () => {
    expect(names({})).toEqual(['oss1', 'oss2', 'oss10']);
    expect(names({ sort: '-name' })).toEqual(['oss10', 'oss2', 'oss1']);
  });

  it('puts the worst on top of a list that is sorted down', () => {
    expect(names({ sort: '-alerts' })).toEqual(['oss1', 'oss10', 'oss2']);
    expect(names({ sort: '-state' })).toEqual(['oss2', 'oss1', 'oss10']);
    expect(names({ sort: '-resources' })[0]).toBe('oss10');
  });

  it('keeps what has the state and all words, whatever they are of', () => {
    expect(names({ states: ['lost', 'stopped'] })).toEqual(['oss1', 'oss2']);
    expect(names({ q: '10.1 OSS' })).toEqual(['oss2']);
    expect(names({ q: 'lustre' })).toEqual(['oss10']);
    expect(names({ q: 'oss3' })).toEqual([]);
  });

  it('sorts by the name if an address asks for what there is not', () => {
    expect(names({ sort: 'nonsense' })).toEqual(['oss1', 'oss2', 'oss10']);
  });
});

it('counts what all device plugins report', () => {
  expect(hosts.map(reported)).toEqual([42, 0, 0]);
});

it('reads states from an address, and drops what is none', () => {
  expect(parseHostStates('connected,gone,lost')).toEqual(['lost', 'connected']);
  expect(parseHostStates(undefined)).toEqual([]);
});
