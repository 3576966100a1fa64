import type { Schema } from '../../api/client';
import type { Health } from '../../ui/health';

export type HostState = Schema['Host']['state'];

/** From what needs a look to what does not. */
export const hostStates: readonly HostState[] = ['lost', 'stopped', 'awaiting', 'connected'];

const names: Record<HostState, string> = { connected: 'Connected', stopped: 'Agent stopped', lost: 'Contact lost', awaiting: 'Awaiting agent' };
const healths: Record<HostState, Health> = { connected: 'ok', stopped: 'info', lost: 'error', awaiting: 'info' };

/** What people call the state of a host. */
export function hostStateName(state: HostState): string {
  return names[state];
}

/** The health that the state of a host, by itself, is. */
export function hostHealth(state: HostState): Health {
  return healths[state];
}

/** The states in a comma-separated text, without what is none. */
export function parseHostStates(text: string | undefined): HostState[] {
  const given = (text ?? '').split(',');
  return hostStates.filter((s) => given.includes(s));
}
