import type { Schema } from '../../api/client';

/** Something that happened to a resource. */
export interface Happening {
  key: string;
  time: string;
  kind: 'began' | 'ended' | 'acknowledged' | 'seen';
  alert?: Schema['Alert'];
}

/** What is known of a resource's past, the newest first. */
export function history(resource: Schema['Resource'], alerts: readonly Schema['Alert'][]): Happening[] {
  const out: Happening[] = [{ key: 'seen', time: resource.first_seen, kind: 'seen' }];
  for (const alert of alerts) {
    out.push({ key: `${alert.id} began`, time: alert.began, kind: 'began', alert });
    if (alert.ended !== null) out.push({ key: `${alert.id} ended`, time: alert.ended, kind: 'ended', alert });
    if (alert.acknowledged) out.push({ key: `${alert.id} acknowledged`, time: alert.acknowledged.time, kind: 'acknowledged', alert });
  }
  return out.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
}
