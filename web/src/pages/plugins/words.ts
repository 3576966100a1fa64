import type { Schema } from '../../api/client';
import type { Health } from '../../ui/health';

type Plugin = Schema['Plugin'];
export type PluginState = Plugin['state'];

/** From what needs a look to what does not. */
export const pluginStates: readonly PluginState[] = ['failed', 'backoff', 'stopped', 'starting', 'running'];

const healths: Record<PluginState, Health> = { running: 'ok', starting: 'info', backoff: 'warning', failed: 'error', stopped: 'info' };
const names: Record<PluginState, string> = {
  running: 'Running',
  starting: 'Starting',
  backoff: 'Starts again soon',
  failed: 'Failed',
  stopped: 'Unloaded',
};

/** What people call the state of a plugin. */
export function pluginStateName(state: PluginState): string {
  return names[state];
}

/** How a plugin is: its state, and whether its present files could not be taken in. */
export function pluginHealth(p: Plugin): Health {
  const health = healths[p.state];
  return health === 'ok' && p.rejected !== undefined ? 'warning' : health;
}

/** The health that a state by itself is. */
export function stateHealth(state: PluginState): Health {
  return healths[state];
}

/** Where a plugin runs. */
export function placeName(p: Pick<Plugin, 'runner'>): string {
  return p.runner === undefined ? 'This server' : `Runner ${p.runner}`;
}

/** What is wrong with a plugin, in a line; empty if nothing is. */
export function trouble(p: Plugin): string {
  if (p.rejected !== undefined) return `The new version was not loaded: ${p.rejected}`;
  if (p.error !== '') return p.error;
  const [first] = p.problems;
  return first === undefined ? '' : problemText(first);
}

/** A problem of a declaration, without its place in the files. */
export function problemText(x: Schema['PluginProblem']): string {
  return `${x.where === undefined ? '' : `${x.where}: `}${x.text}`;
}

export interface Budget {
  name: string;
  /** The name within a sentence, in little room. */
  short: string;
  used: number | undefined;
  /** The most that it may be; absent if there is no limit. */
  limit: number | undefined;
  kind: 'bytes' | 'cores' | 'count';
}

/** What a plugin uses beside what it may. */
export function budgetsOf({ usage, budgets }: Plugin): Budget[] {
  return [
    { name: 'Memory', short: 'memory', used: usage?.memory, limit: budgets?.memory, kind: 'bytes' },
    { name: 'CPU', short: 'CPU', used: usage?.cpu, limit: budgets?.cpu, kind: 'cores' },
    { name: 'Processes and threads', short: 'processes', used: usage?.processes, limit: budgets?.processes, kind: 'count' },
    { name: 'Open files', short: 'open files', used: usage?.open_files, limit: budgets?.open_files, kind: 'count' },
  ];
}

/** How much of a budget is used, from 0 to 1; undefined if that cannot be told. */
export function share({ used, limit }: Pick<Budget, 'used' | 'limit'>): number | undefined {
  return used === undefined || limit === undefined || limit <= 0 ? undefined : Math.min(1, used / limit);
}

/** The budget of which the most is used. */
export function tightest(p: Plugin): Budget | undefined {
  return budgetsOf(p)
    .filter((b) => share(b) !== undefined)
    .sort((a, b) => (share(b) ?? 0) - (share(a) ?? 0))[0];
}

/** The plugins that a reader asks for, in order. */
export function choosePlugins(list: Plugin[], states: PluginState[], q: string, sort: string): Plugin[] {
  const words = q.toLowerCase().split(/\s+/);
  const text = (p: Plugin) => [p.name, p.path, p.kind, placeName(p), trouble(p), ...p.classes].join(' ').toLowerCase();
  const key = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const by: Record<string, (p: Plugin) => string | number> = {
    state: (p) => -pluginStates.indexOf(p.state),
    place: (p) => p.runner ?? '',
    sessions: (p) => p.sessions,
    restarts: (p) => p.restarts,
    budget: (p) => share(tightest(p) ?? { used: undefined, limit: undefined }) ?? 0,
  };
  const value = by[key] ?? ((p: Plugin) => p.name);
  const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);
  return list
    .filter((p) => (states.length === 0 || states.includes(p.state)) && words.every((w) => text(p).includes(w)))
    .sort((a, b) => sign * compare(value(a), value(b)) || a.name.localeCompare(b.name) || (a.runner ?? '').localeCompare(b.runner ?? ''));
}

/** The states in a comma-separated text, without what is none. */
export function parsePluginStates(text: string | undefined): PluginState[] {
  const given = (text ?? '').split(',');
  return pluginStates.filter((s) => given.includes(s));
}
