import type { Schema } from '../../api/client';

/** Whether all words of a text occur in what is shown of an alert. */
export function matches(alert: Schema['Alert'], text: string): boolean {
  const shown = [alert.text, alert.message, alert.condition, alert.attribute, `${alert.plugin}.${alert.class}`, ...alert.affected.filesystems.map((f) => f.name)]
    .join(' ')
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => shown.includes(word));
}
