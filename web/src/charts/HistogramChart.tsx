import { SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { binLabel } from '../format/bins';
import { formatCount } from '../format/number';
import { formatTime } from '../format/time';
import { useBoard, useCursor } from './board';
import { ChartArea, type Reading } from './ChartArea';
import { ChartPanel, type ChartProps } from './ChartPanel';
import { lineColor } from './colors';
import { frameOf, type Drawing, type Frame } from './drawing';
import { HistogramBars } from './HistogramBars';
import classes from './HistogramChart.module.css';
import { accumulates, most, shownCounts, strength, type CountMode, type Counts } from './histogram';
import lines from './LineChart.module.css';
import { hasSamples, stepAt, stepEnd } from './steps';

/** The height of a heat map: of a row for each bin, and its axis. */
function mapHeight(bins: number): number {
  return Math.min(240, Math.max(96, 15 * bins + 44));
}

/** Histograms over time: a heat map for each, and bars for one moment. */
export function HistogramChart(props: ChartProps) {
  const { chart, markers, nothing } = props;
  const board = useBoard();
  const cursor = useCursor();
  const adding = useMemo(() => chart.lines.every((l) => accumulates(l.counts ?? [])), [chart]);
  const [chosen, setChosen] = useState<CountMode>();
  const mode = chosen ?? (adding ? 'growth' : 'reported');
  const shown = useMemo(() => chart.lines.map((l) => shownCounts(l.counts ?? [], mode)), [chart, mode]);
  const frame = useMemo(() => frameOf(1, chart.lines.flatMap((l) => (l.bins ?? []).map((b) => binLabel(b, l.unit)))), [chart.lines]);

  const step = momentStep(chart, shown, cursor, board.at);
  const moment = step < 0 ? undefined : stepEnd(chart, step);
  return (
    <ChartPanel
      {...props}
      mode={mode}
      legend={chart.lines.slice(0, 1).map((l) => ({ label: `${l.label}: ${mode === 'growth' ? 'counted in each step' : 'as reported'}, at most ${formatCount(most(shown[0] ?? []))} in a bin`, text: '', color: lineColor(0) }))}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={`Counts of ${chart.title}`}
          value={mode}
          onChange={(v) => setChosen(v)}
          data={[
            { value: 'growth', label: 'Growth' },
            { value: 'reported', label: 'As reported' },
          ]}
        />
      }
    >
      {(plot) => (
        <>
          {chart.lines.map((line, n) => (
            <HeatMap key={line.statistic} {...props} line={n} counts={shown[n] ?? []} frame={frame} markers={n === 0 ? markers : []} plot={n === 0 ? plot : undefined} />
          ))}
          {!hasSamples(chart) ? (
            <div className={`${lines['nothing'] ?? ''} ${classes['nothing'] ?? ''}`}>{nothing}</div>
          ) : (
            <div className={classes['moment']}>
              <p>
                {moment === undefined
                  ? 'No samples at this moment.'
                  : mode === 'growth'
                    ? `Counted in the step up to ${formatTime(moment)}`
                    : `As reported at ${formatTime(moment)}`}
                {board.at !== undefined && (
                  <button type="button" onClick={() => board.setAt(undefined)}>
                    Show the latest
                  </button>
                )}
              </p>
              <HistogramBars
                label={chart.title}
                rows={chart.lines.slice(0, 1).flatMap((l) => (l.bins ?? []).map((b) => binLabel(b, l.unit)))}
                series={chart.lines.map((l, n) => ({ label: l.label, color: lineColor(n), counts: shown[n]?.[step] ?? [] }))}
              />
            </div>
          )}
        </>
      )}
    </ChartPanel>
  );
}

/** The step that the bars show: at the cursor, else the chosen one, else the last with samples. */
function momentStep(chart: ChartProps['chart'], shown: Counts[], cursor: number | undefined, at: number | undefined): number {
  for (const t of [cursor, at]) {
    const i = t === undefined ? -1 : stepAt(chart, t);
    if (i >= 0) return shown.some((s) => s[i] !== null) ? i : -1;
  }
  return Math.max(-1, ...shown.map((s) => s.findLastIndex((step) => step !== null)));
}

interface MapProps extends ChartProps {
  line: number;
  counts: Counts;
  frame: Frame;
  plot: React.RefObject<import('./Plot').PlotHandle | null> | undefined;
}

function HeatMap({ chart, line: n, counts, interval, markers, frame, plot }: MapProps) {
  const line = chart.lines[n];
  const bins = useMemo(() => line ? (line.bins ?? []).map((b) => binLabel(b, line.unit)) : [], [line]);
  const drawing = useMemo((): Drawing => {
    const max = most(counts);
    return {
      interval,
      axes: [],
      lines: [],
      markers,
      cells: {
        labels: bins,
        color: n,
        step: chart.step * 1000,
        cells: counts.flatMap((step, i) =>
          (step ?? []).flatMap((count, bin): [number, number, number][] => (count > 0 ? [[stepEnd(chart, i), bin, strength(count, max)]] : [])),
        ),
      },
    };
  }, [chart, counts, interval, markers, bins, n]);
  const height = mapHeight(bins.length);
  const read = (time: number, y?: number): Reading | undefined => {
    const i = stepAt(chart, time);
    const step = i < 0 ? undefined : counts[i];
    if (!step) return undefined;
    // Under the pointer, its bin; else the fullest ones.
    const plotted = height - frame.top - frame.bottom;
    const under = y === undefined ? -1 : bins.length - 1 - Math.floor((y / plotted) * bins.length);
    const order = under >= 0 && under < bins.length ? [under] : step.map((_, b) => b).filter((b) => (step[b] ?? 0) > 0).sort((a, b) => (step[b] ?? 0) - (step[a] ?? 0));
    return { time: stepEnd(chart, i), items: order.slice(0, 3).map((b) => ({ label: bins[b] ?? '', text: formatCount(step[b] ?? 0) })) };
  };
  return (
    <>
      {chart.lines.length > 1 && (
        <p className={classes['line']}>
          <i style={{ background: `var(${lineColor(n)})` }} aria-hidden="true" /> {line?.label}
        </p>
      )}
      <ChartArea label={chart.lines.length > 1 ? `${chart.title}, ${line?.label ?? ''}` : chart.title} drawing={drawing} frame={frame} height={height} read={read} step={chart.step * 1000} {...(plot ? { plot } : {})} />
    </>
  );
}
