import { formatCount } from '../format/number';
import classes from './HistogramBars.module.css';

interface Props {
  label: string;
  /** What each bin holds. */
  rows: string[];
  series: { label: string; color: string; counts: readonly number[] }[];
}

/** Histograms at one moment: a bar for each bin of each. */
export function HistogramBars({ label, rows, series }: Props) {
  const most = Math.max(1, ...series.flatMap((s) => s.counts));
  return (
    <table className={classes['bars']}>
      <caption className="visually-hidden">{label}, how much each bin holds</caption>
      {series.length > 1 && (
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Bin</th>
            {series.map((s) => (
              <th key={s.label} scope="col" colSpan={2}>
                {s.label}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            <th scope="row">{row}</th>
            {series.map((s) => {
              const n = s.counts[i];
              return [
                <td key={`${s.label} bar`} className={classes['cell']}>
                  <div className={classes['bar']} style={{ width: `${((n ?? 0) / most) * 100}%`, background: `var(${s.color})` }} />
                </td>,
                <td key={s.label} className={classes['count']}>
                  {n === undefined ? '–' : formatCount(n)}
                </td>,
              ];
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
