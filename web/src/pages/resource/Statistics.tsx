import { useQuery } from '@tanstack/react-query';
import type { Schema } from '../../api/client';
import { seriesQuery } from '../../api/queries';
import { formatMeasure } from '../../format/number';
import { Ago } from '../../ui/Time';
import { HistogramBars } from './HistogramBars';
import { Sparkline } from './Sparkline';
import classes from './Statistics.module.css';

interface Props {
  resource: Schema['Resource'];
  cls: Schema['Class'] | undefined;
}

/** The latest value of each statistic, and how it came to it. */
export function Statistics({ resource, cls }: Props) {
  const names = cls?.statistics.map((s) => s.name) ?? Object.keys(resource.statistics);
  const known = names.filter((n) => resource.statistics[n] !== undefined);
  const { data } = useQuery({ ...seriesQuery(resource.id), enabled: known.length > 0 });
  if (known.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="statistics">
      <header>
        <h2 id="statistics">Statistics</h2>
      </header>
      <ul className={classes['list']}>
        {known.map((name) => {
          const s = resource.statistics[name];
          const declared = cls?.statistics.find((x) => x.name === name);
          const series = data?.items.find((x) => x.name === name);
          return s && <Statistic key={name} statistic={s} bins={declared?.bins} series={series} />;
        })}
      </ul>
    </section>
  );
}

function Statistic({ statistic: s, bins, series }: { statistic: Schema['StatisticValue']; bins: number[][] | undefined; series: Schema['Series'] | undefined }) {
  const histogram = s.kind === 'histogram';
  return (
    <li className={histogram ? classes['tall'] : classes['flat']}>
      <div>
        <div className={classes['label']}>{s.label}</div>
        {!histogram && <div className={classes['value']}>{s.value === null ? '–' : formatMeasure(s.value, s.unit)}</div>}
        <div className={classes['time']}>{s.time === undefined ? 'no sample yet' : <Ago time={s.time} />}</div>
      </div>
      {histogram ? (
        s.bins && bins && <HistogramBars label={s.label} bins={bins} counts={s.bins} bytes={/^b(ytes?)?$/i.test(s.unit)} />
      ) : (
        <Sparkline label={s.label} unit={s.unit} points={series?.points ?? []} />
      )}
    </li>
  );
}
