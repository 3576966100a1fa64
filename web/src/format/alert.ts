import type { Schema } from '../api/client';

/**
 * The name of the resource that an alert is about. The text of an alert is
 * its message with the class and name of the resource as they were when it
 * was raised, which holds also for a resource that is gone since.
 */
export function alertSubject(alert: Pick<Schema['Alert'], 'message' | 'text'>): string {
  const { message, text } = alert;
  if (message === '' || !text.includes(message)) return text;
  const rest = text
    .replace(message, '')
    .replace(/^[\s:–—-]+|[\s:–—-]+$/g, '')
    .replace(/^(on|at|of)\s+/i, '');
  return rest === '' ? text : rest;
}

/** How many resources an alert endangers. */
export function affectedTotal(counts: Schema['Counts']): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
