import type { Schema } from '../api/client';

export type Health = Schema['Severity'];

/** From fine to worst. */
export const healths: readonly Health[] = ['ok', 'info', 'warning', 'error'];

/** From worst to mildest: the order of all lists of alerts. */
export const severities: readonly Schema['AlertSeverity'][] = ['error', 'warning', 'info'];

const names: Record<Health, string> = { ok: 'OK', info: 'Info', warning: 'Warning', error: 'Error' };

/** What people call a state of health or a severity. */
export function healthName(health: Health): string {
  return names[health];
}

/** The worst health that occurs in the counts. */
export function worst(counts: Schema['HealthCounts']): Health {
  return healths.findLast((h) => counts[h] > 0) ?? 'ok';
}

/** Whether a text is a state of health, as a link may claim. */
export function isHealth(text: string): text is Health {
  return (healths as readonly string[]).includes(text);
}

export function isSeverity(text: string): text is Schema['AlertSeverity'] {
  return text !== 'ok' && isHealth(text);
}

/** The healths in a comma-separated text, without what is none. */
export function parseHealths(text: string | undefined): Health[] {
  return (text ?? '').split(',').filter(isHealth);
}
