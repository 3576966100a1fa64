import { Button, Skeleton } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Schema } from '../api/client';
import { errorText } from '../api/problem';
import { resourceAlertsQuery, chartsQuery, resourceQuery } from '../api/queries';
import { formatDuration } from '../format/time';
import { fullClass } from '../ui/classes';
import { Ago } from '../ui/Time';
import { useClasses } from '../ui/useClasses';
import { useBoard } from './board';
import { HistogramChart } from './HistogramChart';
import { LineChart, lineHeight } from './LineChart';
import { markers } from './markers';
import { intervalOf, isLive, lengthOf, type Interval } from './range';
import classes from './ResourceCharts.module.css';

interface Props {
  /** Whose charts. */
  resource: number;
  /** The titles of the charts to show; all, if it is left out. */
  only?: readonly string[];
}

/** The least width of a chart and the room between two, in pixels, as in the style sheet. */
const narrowest = 400;
const gap = 12;

/** The charts of a resource as its class declares them, for the range of the board around them. */
export function ResourceCharts({ resource: id, only }: Props) {
  const { shown } = useBoard();
  const { ref, width } = useElementSize();
  const labels = useClasses();
  const { data: resource } = useQuery(resourceQuery(id));
  const cls = resource && labels.get(fullClass(resource));
  const declared = cls?.charts.filter((c) => only?.includes(c.title) ?? true) ?? [];
  const columns = Math.max(1, Math.min(declared.length, Math.floor((width + gap) / (narrowest + gap))));
  // A step for every other pixel, in few sizes: a window that is drawn wider asks for nothing new at once.
  const points = Math.max(100, Math.round(width / columns / 100) * 50);
  const { data, error } = useQuery({ ...chartsQuery(id, shown, points), enabled: width > 0 && declared.length > 0 });
  const { data: alerts } = useQuery({ ...resourceAlertsQuery(id), enabled: declared.length > 0 });
  const interval = useMemo((): Interval => intervalOf(shown, data && isLive(shown) ? Date.parse(data.to) : 0), [shown, data]);
  const marked = useMemo(() => markers(alerts?.items ?? [], interval), [alerts, interval]);

  if (cls && declared.length === 0) return <p className={classes['none']}>This class declares no statistics.</p>;
  return (
    <div ref={ref} className={classes['charts']} data-step={data?.charts[0]?.step}>
      {error && !data ? (
        <p className={classes['none']} role="alert">
          The charts cannot be read: {errorText(error)}
        </p>
      ) : !data || !resource ? (
        declared.map((c) => <Skeleton key={c.title} height={lineHeight + 64} radius={8} />)
      ) : (
        data.charts
          .filter((c) => only?.includes(c.title) ?? true)
          .map((chart) => {
            const props = { chart, interval, markers: marked, owner: resource.name, nothing: <Nothing chart={chart} resource={resource} cls={cls} length={lengthOf(shown)} /> };
            return chart.kind === 'histogram' ? <HistogramChart key={chart.title} {...props} /> : <LineChart key={chart.title} {...props} />;
          })
      )}
    </div>
  );
}

/** Why a chart is empty, and what to expect. */
function Nothing({ chart, resource, cls, length }: { chart: Schema['Chart']; resource: Schema['Resource']; cls: Schema['Class'] | undefined; length: number }) {
  const { setZoom } = useBoard();
  const names = chart.lines.map((l) => l.statistic);
  const last = names
    .flatMap((n) => resource.statistics[n]?.time ?? [])
    .sort()
    .at(-1);
  if (last !== undefined) {
    const end = Date.parse(last);
    return (
      <>
        <p>
          No samples in this time. The last one came <Ago time={last} />.
        </p>
        <Button variant="default" onClick={() => setZoom({ from: end - length * 0.9, to: end + length * 0.1 })}>
          Show that time
        </Button>
      </>
    );
  }
  const period = Math.min(...(cls?.statistics ?? []).filter((s) => names.includes(s.name)).map((s) => s.sample_period));
  return (
    <p>
      No sample yet. {resource.stale ? 'Nothing reports this resource now; the chart begins when something does.' : `${resource.plugin} declares one every ${formatDuration((Number.isFinite(period) ? period : 10) * 1000)}; the chart begins with the first.`}
    </p>
  );
}
