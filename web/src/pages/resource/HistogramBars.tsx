import { binLabel } from '../../format/bins';
import { formatCount } from '../../format/number';
import classes from './HistogramBars.module.css';

interface Props {
  label: string;
  bins: number[][];
  counts: number[];
  bytes: boolean;
}

/** The last sample of a histogram: a bar for each bin, with what the bin holds. */
export function HistogramBars({ label, bins, counts, bytes }: Props) {
  const most = Math.max(1, ...counts);
  return (
    <table className={classes['bars']}>
      <caption className="visually-hidden">{label}, number of samples in each bin</caption>
      <tbody>
        {bins.map((bin, i) => {
          const n = counts[i] ?? 0;
          return (
            <tr key={i}>
              <th scope="row">{binLabel(bin, bytes)}</th>
              <td className={classes['cell']}>
                <div className={classes['bar']} style={{ width: `${(n / most) * 100}%` }} />
              </td>
              <td className={classes['count']}>{formatCount(n)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
