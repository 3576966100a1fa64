import type { ReactNode } from 'react';
import { formatShort } from '../format/number';
import classes from './Pills.module.css';

export interface Pill<V extends string> {
  value: V;
  label: string;
  icon?: ReactNode;
  /** How many there are of it. */
  count?: number | undefined;
}

interface Props<V extends string> {
  label: string;
  options: readonly Pill<V>[];
  value: readonly V[];
  onChange: (value: V[]) => void;
}

/** Chooses any number of a few values; none chosen means all. */
export function Pills<V extends string>({ label, options, value, onChange }: Props<V>) {
  return (
    <div role="group" aria-label={label} className={classes['group']}>
      {options.map((o) => {
        const on = value.includes(o.value);
        return (
          <button
            key={o.value}
            type="button"
            className={classes['button']}
            aria-pressed={on}
            onClick={() => onChange(options.map((x) => x.value).filter((x) => (x === o.value ? !on : value.includes(x))))}
          >
            {o.icon}
            {o.label}
            {o.count !== undefined && <span className={classes['count']}>{formatShort(o.count)}</span>}
          </button>
        );
      })}
    </div>
  );
}
