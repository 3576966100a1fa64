import type { Schema } from '../api/client';
import type { Health } from './health';

export type StandingState = Schema['StandingState'];

/** From worst to fine. */
export const standingStates: readonly StandingState[] = ['down', 'degraded', 'at_risk', 'fine'];

const names: Record<StandingState, string> = { down: 'Down', degraded: 'Degraded', at_risk: 'At risk', fine: 'Fine' };

/** What people call how a file system or a volume stands. */
export function standingName(state: StandingState): string {
  return names[state];
}

const healths: Record<StandingState, Health> = { down: 'error', degraded: 'warning', at_risk: 'warning', fine: 'ok' };

/** The health whose colours a state has. */
export function standingHealth(state: StandingState): Health {
  return healths[state];
}

/** What a state means, in a sentence. */
export const standingHints: Record<StandingState, string> = {
  down: 'It says itself that it has failed, or all that it is made of has.',
  degraded: 'It, or something that it is directly made of, is not well.',
  at_risk: 'It works, but something that it depends on further away is not well.',
  fine: 'Nothing that it depends on is known to be sick.',
};
