import { useCallback, useMemo, useState } from 'react';
import { formatMeasure } from '../format/number';
import { axes } from './axes';
import { useBoard, useCursor } from './board';
import { ChartArea, type Reading } from './ChartArea';
import { ChartPanel, type ChartProps } from './ChartPanel';
import classes from './LineChart.module.css';
import { lineColor } from './colors';
import { frameOf, type Drawing } from './drawing';
import { Legend } from './Legend';
import { extents, hasSamples, lastStep, nearestStep, runs, stepEnd, varies } from './steps';

/** The height of every chart of lines. */
export const lineHeight = 190;

/** Gauges and counters over time. */
export function LineChart(props: ChartProps) {
  const { chart, interval, markers, nothing } = props;
  const { cursor: shared } = useBoard();
  const cursor = useCursor();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const drawing = useMemo(
    (): Drawing => ({
      interval,
      axes: axes(extents(chart, interval, hidden)),
      markers,
      lines: chart.lines.flatMap((line, i) => {
        if (hidden.has(line.statistic)) return [];
        const values = line.values ?? [];
        const point = (i: number): [number, number, number] => [stepEnd(chart, i), line.low?.[i] ?? values[i] ?? 0, line.high?.[i] ?? values[i] ?? 0];
        return [
          {
            axis: line.axis,
            color: i,
            points: values.map((v, i) => [stepEnd(chart, i), v] as const),
            band: varies(line) ? runs(values).map((run) => run.map(point)) : [],
          },
        ];
      }),
    }),
    [chart, interval, markers, hidden],
  );
  const frame = useMemo(() => frameOf(chart.units.length), [chart.units.length]);

  const text = (line: ChartProps['chart']['lines'][number], step: number) => {
    const value = line.values?.[step] ?? null;
    return value === null ? '–' : formatMeasure(value, line.unit);
  };
  const read = useCallback(
    (time: number): Reading | undefined => {
      const i = nearestStep(chart, time);
      if (i < 0) return undefined;
      return {
        time: stepEnd(chart, i),
        items: chart.lines.flatMap((line, n) => {
          if (hidden.has(line.statistic)) return [];
          const value = line.values?.[i] ?? null;
          const range = value !== null && varies(line) ? ` (${formatMeasure(line.low?.[i] ?? value, line.unit)} – ${formatMeasure(line.high?.[i] ?? value, line.unit)})` : '';
          return [{ label: line.label, text: `${text(line, i)}${range}`, color: lineColor(n), axis: line.axis, ...(value === null ? {} : { value }) }];
        }),
      };
    },
    [chart, hidden],
  );
  const at = cursor === undefined ? -1 : nearestStep(chart, cursor);
  const entries = chart.lines.map((line, i) => ({ key: line.statistic, label: line.label, color: i, text: lastStep(line) < 0 ? 'no samples' : text(line, at < 0 ? lastStep(line) : at) }));
  const toggle = (key: string) => {
    shared.set(undefined);
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    setHidden(next);
  };
  return (
    <ChartPanel {...props} mode="reported" legend={entries.filter((e) => !hidden.has(e.key)).map((e) => ({ label: e.label, text: e.text, color: lineColor(e.color) }))}>
      {(plot) => (
        <>
          <Legend entries={entries} hidden={hidden} onToggle={toggle} />
          <ChartArea label={chart.title} drawing={drawing} frame={frame} height={lineHeight} read={read} step={chart.step * 1000} plot={plot}>
            {!hasSamples(chart) && <div className={classes['nothing']}>{nothing}</div>}
          </ChartArea>
        </>
      )}
    </ChartPanel>
  );
}
