import type { Schema } from '../../api/client';
import { formatMeasure } from '../../format/number';
import { When } from '../../ui/Time';

/** The latest statistics of the resource that an incident began with. */
export function Measures({ resource, cls }: { resource: Schema['Resource']; cls: Schema['Class'] | undefined }) {
  const order = cls?.statistics.map((s) => s.name) ?? Object.keys(resource.statistics);
  const rows = order.flatMap((name) => {
    const s = resource.statistics[name];
    return typeof s?.value === 'number' && s.time !== undefined ? [{ name, ...s, value: s.value, time: s.time }] : [];
  });
  if (rows.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="measures">
      <header>
        <h2 id="measures">Measured on the cause</h2>
      </header>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Statistic</th>
            <th scope="col" className="right">
              Latest
            </th>
            <th scope="col" className="right">
              At
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((s) => (
            <tr key={s.name}>
              <th scope="row">{s.label}</th>
              <td className="right">{formatMeasure(s.value, s.unit)}</td>
              <td className="right"><When time={s.time} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
