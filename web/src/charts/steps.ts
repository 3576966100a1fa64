import type { Schema } from '../api/client';
import type { Extent } from './axes';
import type { Interval } from './range';

type Chart = Schema['Chart'];
type Line = Schema['ChartLine'];

/** When a step ends, which is where its values are drawn, in milliseconds. */
export function stepEnd(chart: Chart, i: number): number {
  return Date.parse(chart.from) + (i + 1) * chart.step * 1000;
}

/** The step whose end is nearest to a point in time, or -1 if the chart has none near it. */
export function nearestStep(chart: Chart, t: number): number {
  const i = Math.round((t - Date.parse(chart.from)) / (chart.step * 1000)) - 1;
  return i >= 0 && i < chart.steps ? i : -1;
}

/** The step that a point in time lies in, or -1 if it lies in none. */
export function stepAt(chart: Chart, t: number): number {
  const i = Math.ceil((t - Date.parse(chart.from)) / (chart.step * 1000)) - 1;
  return i >= 0 && i < chart.steps ? i : -1;
}

/** The last step in which the line has a sample, or -1. */
export function lastStep(line: Line): number {
  const values: readonly unknown[] = line.counts ?? line.values ?? [];
  return values.findLastIndex((v) => v !== null);
}

/** Whether any line has a sample. */
export function hasSamples(chart: Chart): boolean {
  return chart.lines.some((l) => lastStep(l) >= 0);
}

/** Whether the steps are so long that a gauge varied within them. */
export function varies(line: Line): boolean {
  return (line.values ?? []).some((v, i) => v !== null && (line.low?.[i] ?? v) < (line.high?.[i] ?? v));
}

/** The step indices of each unbroken part of a line. */
export function runs(values: readonly (number | null)[]): number[][] {
  const out: number[][] = [];
  let run: number[] | undefined;
  for (const [i, v] of values.entries()) {
    if (v === null) run = undefined;
    else if (run) run.push(i);
    else out.push((run = [i]));
  }
  return out;
}

/** What stands on each axis of a chart, of the lines that are shown, within a part of time. */
export function extents(chart: Chart, { from, to }: Interval, hidden: ReadonlySet<string>): Extent[] {
  return chart.units.map((unit, axis) => {
    const extent: Extent = { unit, low: undefined, high: undefined, zero: false };
    for (const line of chart.lines) {
      if (line.axis !== axis || hidden.has(line.statistic)) continue;
      extent.zero ||= line.kind === 'counter';
      for (const [i, v] of (line.values ?? []).entries()) {
        const t = stepEnd(chart, i);
        if (v === null || t < from || t > to) continue;
        extent.low = Math.min(extent.low ?? v, line.low?.[i] ?? v);
        extent.high = Math.max(extent.high ?? v, line.high?.[i] ?? v);
      }
    }
    return extent;
  });
}

/**
 * How long until the next step of some chart is complete, in milliseconds: when
 * charts that move with time are to be read again. The server's clock counts.
 */
export function untilNextStep(list: Schema['ChartList']): number {
  const to = Date.parse(list.to);
  const next = list.charts.map((c) => stepEnd(c, c.steps) - to);
  // A second for the samples to arrive; no step is so long that nobody looks in between.
  return Math.min(300_000, Math.max(2000, Math.min(...next) + 1000));
}
