import type { Schema } from '../../api/client';

/** Something that happened: an alert began or ended. */
export interface Change {
  key: string;
  what: 'began' | 'ended';
  time: string;
  alert: Schema['Alert'];
}

/** What the alerts tell of the time since then, the latest first. An alert that came and went tells two things. */
export function changesOf(alerts: Schema['Alert'][], since: number): Change[] {
  const out = new Map<string, Change>();
  for (const alert of alerts) {
    const add = (what: Change['what'], time: string | null) => {
      if (time !== null && Date.parse(time) >= since) out.set(`${alert.id} ${what}`, { key: `${alert.id} ${what}`, what, time, alert });
    };
    add('began', alert.began);
    add('ended', alert.ended);
  }
  return [...out.values()].sort((a, b) => Date.parse(b.time) - Date.parse(a.time) || b.alert.id - a.alert.id);
}
