import type { Schema } from '../../api/client';
import { formatMeasure } from '../../format/number';
import { formatDuration } from '../../format/time';
import classes from './Sparkline.module.css';

interface Props {
  label: string;
  unit: string;
  points: Schema['Point'][];
}

const width = 300;
const height = 48;

/** The recent course of a statistic, small: its form, its range and its span. */
export function Sparkline({ label, unit, points }: Props) {
  const known = points.flatMap((p) => (p.value === null ? [] : [{ t: Date.parse(p.time), v: p.value }]));
  const first = known[0];
  const last = known.at(-1);
  if (!first || !last || known.length < 2 || last.t === first.t) return <div className={classes['none']}>{points.length === 0 ? '' : 'one sample'}</div>;
  let low = Math.min(...known.map((p) => p.v));
  let high = Math.max(...known.map((p) => p.v));
  const text = `${label}: between ${formatMeasure(low, unit)} and ${formatMeasure(high, unit)} in the last ${formatDuration(last.t - first.t)}`;
  // A constant runs through the middle.
  if (low === high) {
    low -= 1;
    high += 1;
  }
  const x = (t: number) => ((t - first.t) / (last.t - first.t)) * width;
  const y = (v: number) => height - 3 - ((v - low) / (high - low)) * (height - 6);
  const line = known.map((p, i) => `${i === 0 ? 'M' : 'L'}${x(p.t).toFixed(1)} ${y(p.v).toFixed(1)}`).join('');
  return (
    <figure className={classes['spark']}>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={text}>
        <path d={`${line}V${height}H0Z`} className={classes['area']} />
        <path d={line} className={classes['line']} vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption aria-hidden="true">
        <span>{formatDuration(last.t - first.t)}</span>
        <span>
          {formatMeasure(Math.min(...known.map((p) => p.v)), unit)} … {formatMeasure(Math.max(...known.map((p) => p.v)), unit)}
        </span>
      </figcaption>
    </figure>
  );
}
