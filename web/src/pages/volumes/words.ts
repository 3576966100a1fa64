import type { Schema } from '../../api/client';
import type { Health } from '../../ui/health';

type State = Schema['VolumeState'];
type Role = Schema['VolumeRole'];

const states: Record<State, string> = { fine: 'Fine', at_risk: 'At risk', degraded: 'Degraded', down: 'Down' };
const healths: Record<State, Health> = { fine: 'ok', at_risk: 'info', degraded: 'warning', down: 'error' };

/** What people call the state of a volume. */
export function volumeStateName(state: State): string {
  return states[state];
}

/** The health that the state of a volume is. */
export function volumeHealth(state: State): Health {
  return healths[state];
}

const roles: Record<Role, string> = { primary: 'Primary', secondary: 'Secondary', unused: 'Not used' };

/** What people call the role of a host for a volume. */
export function roleName(role: Role): string {
  return roles[role];
}

const availability: Record<Schema['VolumeHA'], string> = {
  ha: 'Primary and secondary',
  'no-ha': 'One host only',
  unconfigured: 'No primary yet',
};

/** How far a volume is safe from the loss of a host. */
export function haName(ha: Schema['VolumeHA']): string {
  return availability[ha];
}

const grounds: Record<string, string> = {
  user: 'decided by a user',
  weight: 'best path weight',
  balance: 'balance of the load',
  only: 'the only one that can be',
  target: 'a target lies there',
};

/** What a choice was made by, in a few words; empty if nothing is known. */
export function groundName(ground: string | undefined): string {
  return ground === undefined ? '' : (grounds[ground] ?? ground);
}
