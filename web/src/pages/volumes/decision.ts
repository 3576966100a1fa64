import type { Schema } from '../../api/client';

/** What a reader may decide: a host, none, or nothing, which leaves it to the server. */
export interface Decision {
  /** A host's name, `none`, or null for the server's choice. */
  primary: string | null;
  secondary: string | null;
  unused: string[];
}

export type DecisionField = keyof Decision;

/** What is decided of a volume as it is. */
export function decisionOf(v: Schema['Volume']): Decision {
  return { primary: v.decided?.primary ?? null, secondary: v.decided?.secondary ?? null, unused: [...v.unused].sort() };
}

/** Only what is changed is sent: what is sent counts as decided. */
export function changesOf(before: Decision, after: Decision): Schema['VolumeEdit'] {
  const edit: Schema['VolumeEdit'] = {};
  if (after.primary !== before.primary) edit.primary = after.primary;
  if (after.secondary !== before.secondary) edit.secondary = after.secondary;
  const unused = [...after.unused].sort();
  if (unused.join('\n') !== before.unused.join('\n')) edit.unused = unused;
  return edit;
}

/** Leaves all of it to the server again. */
export const automatic = { primary: null, secondary: null, unused: [] } satisfies Schema['VolumeEdit'];

/** Whether anything is decided. */
export function isDecided(d: Decision): boolean {
  return d.primary !== null || d.secondary !== null || d.unused.length > 0;
}
