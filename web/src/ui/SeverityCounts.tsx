import type { Schema } from '../api/client';
import { formatShort } from '../format/number';
import { healthName, severities } from './health';
import { HealthIcon } from './HealthIcon';
import { None } from './None';
import classes from './SeverityCounts.module.css';

/** Numbers of alerts by severity, without those of which there are none. */
export function SeverityCounts({ counts }: { counts: Schema['AlertCounts'] }) {
  const some = severities.filter((s) => counts[s] > 0);
  if (some.length === 0) return <None />;
  return (
    <span className={classes['counts']}>
      {some.map((s) => (
        <span key={s} title={`${healthName(s)}: ${counts[s]}`}>
          <HealthIcon health={s} size={14} />
          <span className="number">{formatShort(counts[s])}</span>
        </span>
      ))}
    </span>
  );
}
