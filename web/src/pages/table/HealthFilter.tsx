import type { Schema } from '../../api/client';
import { formatShort } from '../../format/number';
import { healthName, healths, type Health } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import classes from './HealthFilter.module.css';

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
  return (
    <div role="group" aria-label={label} className={classes['group']}>
      {options.map((h) => {
        const on = value.includes(h);
        return (
          <button
            key={h}
            type="button"
            className={classes['button']}
            aria-pressed={on}
            onClick={() => onChange(options.filter((x) => (x === h ? !on : value.includes(x))))}
          >
            <HealthIcon health={h} size={14} silent />
            {healthName(h)}
            {counts && <span className={classes['count']}>{formatShort(counts[h])}</span>}
          </button>
        );
      })}
    </div>
  );
}
