import type { Schema } from '../../api/client';
import { healthName, healths, type Health } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { Pills } from '../../ui/Pills';

interface Props {
  label: string;
  value: Health[];
  onChange: (value: Health[]) => void;
  /** How many there are of each; without it the buttons have no numbers. */
  counts?: Schema['HealthCounts'] | undefined;
  options?: readonly Health[];
}

const all = [...healths].reverse();

/** Chooses any number of states of health; none chosen means all. */
export function HealthFilter({ label, value, onChange, counts, options = all }: Props) {
  const pills = options.map((h) => ({ value: h, label: healthName(h), icon: <HealthIcon health={h} size={14} silent />, count: counts?.[h] }));
  return <Pills label={label} options={pills} value={value} onChange={onChange} />;
}
