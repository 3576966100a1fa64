import type { Schema } from '../../api/client';

type Role = Schema['VolumeRole'];

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
