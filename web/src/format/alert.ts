import type { Schema } from '../api/client';

/**
 * The name of the resource that an alert is about. The text of an alert is
 * `MESSAGE (CLASS, NAME)`, with the names as they were when it was raised,
 * which holds also for a resource that is gone since. A text of another form
 * stands for itself.
 */
export function alertSubject({ message, text }: Pick<Schema['Alert'], 'message' | 'text'>): string {
  const start = `${message} (`;
  if (!text.startsWith(start) || !text.endsWith(')')) return text;
  const inside = text.slice(start.length, -1);
  const comma = inside.indexOf(', ');
  return comma < 0 ? text : inside.slice(comma + 2);
}

/** How many resources an alert endangers. */
export function affectedTotal(counts: Schema['Counts']): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
