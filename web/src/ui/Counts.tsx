import type { Schema } from '../api/client';
import { formatCount } from '../format/number';
import type { ClassLabels } from './classes';
import styles from './Counts.module.css';

interface Props {
  counts: Schema['Counts'];
  labels: ClassLabels;
  /** How many classes to name; the rest is summed up. */
  limit?: number;
}

/** Numbers of resources by class: "12 × Disk". */
export function Counts({ counts, labels, limit = 6 }: Props) {
  const all = Object.entries(counts).sort((a, b) => a[1] - b[1] || a[0].localeCompare(b[0]));
  const rest = all.slice(limit).reduce((sum, [, n]) => sum + n, 0);
  return (
    <ul className={styles['counts']}>
      {all.slice(0, limit).map(([full, n]) => (
        <li key={full} title={full}>
          <b className="number">{formatCount(n)}</b> {labels.label(full)}
        </li>
      ))}
      {rest > 0 && (
        <li>
          <b className="number">{formatCount(rest)}</b> more
        </li>
      )}
    </ul>
  );
}
