import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { formatBudget, formatSeconds } from './format';
import { budgetsOf, choosePlugins, parsePluginStates, placeName, pluginHealth, share, tightest, trouble } from './words';

const plugin = (name: string, more: Partial<Schema['Plugin']> = {}): Schema['Plugin'] => ({
  name,
  kind: 'python',
  path: `${name}.py`,
  version: '1',
  sdk: { name: 'python', version: '0.1' },
  state: 'running',
  error: '',
  problems: [],
  sessions: 0,
  restarts: 0,
  classes: [],
  ...more,
});

const list = [
  plugin('b', { state: 'backoff', error: 'exit status 2', restarts: 3 }),
  plugin('a', { runner: 'rack7', classes: ['a.Disk'] }),
  plugin('a', { usage: { memory: 50, cpu: 1.5, processes: 9, open_files: 2, time: '' }, budgets: { memory: 100, cpu: 2, processes: 0 } }),
];
const names = (...args: Parameters<typeof choosePlugins>) => choosePlugins(...args).map((p) => `${p.name} ${p.runner ?? ''}`.trim());

describe('choosePlugins', () => {
  it('has the server before its runners', () => {
    expect(names(list, [], '', 'name')).toEqual(['a', 'a rack7', 'b']);
  });
  it('sorts by what needs a look', () => {
    expect(names(list, [], '', '-state')[0]).toBe('b');
    expect(names(list, [], '', '-budget')[0]).toBe('a');
    expect(names(list, [], '', '-restarts')[0]).toBe('b');
  });
  it('filters by state and by words', () => {
    expect(names(list, ['backoff'], '', 'name')).toEqual(['b']);
    expect(names(list, [], 'disk runner', 'name')).toEqual(['a rack7']);
    expect(parsePluginStates('running,none,failed')).toEqual(['failed', 'running']);
  });
});

describe('budgets', () => {
  it('is a share only where both are known and there is a limit', () => {
    expect(budgetsOf(list[2] ?? plugin('x')).map(share)).toEqual([0.5, 0.75, undefined, undefined]);
    expect(share({ used: 300, limit: 100 })).toBe(1);
    expect(tightest(list[2] ?? plugin('x'))?.name).toBe('CPU');
    expect(tightest(plugin('x'))).toBeUndefined();
  });
  it('has units', () => {
    expect(formatBudget(2 ** 30, 'bytes')).toBe('1.0 GiB');
    expect(formatBudget(1, 'cores')).toBe('1 core');
    expect(formatBudget(0.123, 'cores')).toBe('0.12 cores');
    expect([0.0136, 2.44, 30, 900].map(formatSeconds)).toEqual(['14 ms', '2.4 s', '30 s', '15 min']);
  });
});

it('says where a plugin runs, how it is, and what is wrong with it', () => {
  expect(placeName({})).toBe('This server');
  expect(placeName({ runner: 'rack7' })).toBe('Runner rack7');
  expect(pluginHealth(plugin('x', { rejected: 'no' }))).toBe('warning');
  expect(pluginHealth(plugin('x', { state: 'failed', rejected: 'no' }))).toBe('error');
  expect(trouble(plugin('x'))).toBe('');
  expect(trouble(plugin('x', { problems: [{ where: 'A.b', text: 'no such option' }] }))).toBe('A.b: no such option');
  expect(trouble(plugin('x', { rejected: 'bad file', error: 'e' }))).toContain('bad file');
});
