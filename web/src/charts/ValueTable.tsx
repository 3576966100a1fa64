import { formatMeasure } from '../format/number';
import { formatTime } from '../format/time';
import type { ValueTable as Table } from './table';
import classes from './ValueTable.module.css';

/** The values of a chart in rows, the newest first. */
export function ValueTable({ title, table }: { title: string; table: Table }) {
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label={`${title}, values`}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {table.columns.map((c) => (
              <th key={c.label} scope="col" className="right">
                {c.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.toReversed().map((r) => (
            <tr key={r.time}>
              <th scope="row" className="number">
                {formatTime(r.time)}
              </th>
              {r.values.map((v, i) => (
                <td key={i} className="right">
                  {v === null ? <span className="muted">–</span> : formatMeasure(v, table.columns[i]?.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
