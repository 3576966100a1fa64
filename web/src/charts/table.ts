import type { Schema } from '../api/client';
import { binLabel } from '../format/bins';
import type { Field } from '../format/csv';
import { shownCounts, type CountMode } from './histogram';
import { stepEnd, varies } from './steps';

/** A chart's values as a table: a row for each step, its first field the step's end in milliseconds. */
export interface ValueTable {
  /** The headings after that of the time. */
  columns: { label: string; unit: string }[];
  rows: { time: number; values: (number | null)[] }[];
}

/** The values of a chart. A gauge whose steps are longer than its samples also has its least and greatest. */
export function valueTable(chart: Schema['Chart'], mode: CountMode): ValueTable {
  const columns: { label: string; unit: string; values: readonly (number | null)[] }[] = [];
  for (const line of chart.lines) {
    if (line.bins) {
      const counts = shownCounts(line.counts ?? [], mode);
      for (const [b, bin] of line.bins.entries()) {
        const label = chart.lines.length > 1 ? `${line.label}, ${binLabel(bin, line.unit)}` : binLabel(bin, line.unit);
        columns.push({ label, unit: '', values: counts.map((step) => step?.[b] ?? null) });
      }
      continue;
    }
    columns.push({ label: line.label, unit: line.unit, values: line.values ?? [] });
    if (varies(line)) {
      columns.push({ label: `${line.label}, least`, unit: line.unit, values: line.low ?? [] });
      columns.push({ label: `${line.label}, greatest`, unit: line.unit, values: line.high ?? [] });
    }
  }
  return {
    columns: columns.map(({ label, unit }) => ({ label, unit })),
    rows: Array.from({ length: chart.steps }, (_, i) => ({ time: stepEnd(chart, i), values: columns.map((c) => c.values[i] ?? null) })),
  };
}

/** The same as fields of a CSV file; times are in UTC, as programs read them. */
export function csvRows({ columns, rows }: ValueTable): Field[][] {
  return [
    ['time', ...columns.map((c) => (c.unit === '' ? c.label : `${c.label} (${c.unit})`))],
    ...rows.map((r) => [new Date(r.time).toISOString(), ...r.values]),
  ];
}
