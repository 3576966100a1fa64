import type { Schema } from '../../api/client';
import { hostStates, type HostState } from './states';

type Host = Schema['Host'];

export interface HostFilter {
  states: HostState[];
  q: string;
  /** What it is sorted by, with a leading "-" from the top down. */
  sort: string;
}

// The server lists all hosts at once, a few thousand at most, so that they are
// filtered and sorted here.
const orders: Record<string, (a: Host, b: Host) => number> = {
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  state: (a, b) => hostStates.indexOf(b.state) - hostStates.indexOf(a.state),
  alerts: (a, b) => a.alerts.error - b.alerts.error || a.alerts.warning - b.alerts.warning || a.alerts.info - b.alerts.info,
  volumes: (a, b) => a.volumes - b.volumes,
  resources: (a, b) => reported(a) - reported(b),
  agent: (a, b) => (a.agent_version ?? '').localeCompare(b.agent_version ?? '', undefined, { numeric: true }),
  contact: (a, b) => (a.last_contact ?? '').localeCompare(b.last_contact ?? ''),
};

/** The hosts that a reader asks for, in order. */
export function chooseHosts(hosts: Host[], { states, q, sort }: HostFilter): Host[] {
  const words = q.toLowerCase().split(/\s+/);
  const text = (h: Host) => [h.name, h.address, h.agent_version, ...h.plugins.map((p) => p.name)].join(' ').toLowerCase();
  const order = orders[sort.replace(/^-/, '')] ?? byName;
  const sign = sort.startsWith('-') ? -1 : 1;
  return hosts
    .filter((h) => (states.length === 0 || states.includes(h.state)) && words.every((w) => text(h).includes(w)))
    .sort((a, b) => sign * order(a, b) || byName(a, b));
}

function byName(a: Host, b: Host): number {
  return a.name.localeCompare(b.name, undefined, { numeric: true });
}

/** How many resources the device plugins of a host report. */
export function reported(h: Host): number {
  return h.plugins.reduce((sum, p) => sum + p.resources, 0);
}
