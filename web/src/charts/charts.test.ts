import { describe, expect, it } from 'vitest';
import type { Schema } from '../api/client';
import { axes, axisName, niceStep, tickText, type Axis } from './axes';
import { frameOf, timeAt, xOf } from './drawing';
import { accumulates, growth, strength } from './histogram';
import { clusters, markers } from './markers';
import { dragged, intervalOf, moved, parseInterval, parseRange, rangeText, scaled } from './range';
import { formatTitles, parseTitles } from './titles';
import { extents, nearestStep, runs, stepAt, stepEnd, untilNextStep } from './steps';
import { csvRows, valueTable } from './table';

const from = Date.parse('2026-03-05T11:00:00Z');
const at = (seconds: number) => from + seconds * 1000;
const iso = (seconds: number) => new Date(at(seconds)).toISOString();

function chart(lines: Partial<Schema['ChartLine']>[], more: Partial<Schema['Chart']> = {}): Schema['Chart'] {
  return {
    title: 'Bandwidth',
    kind: 'time_series',
    from: iso(0),
    step: 10,
    steps: 4,
    units: ['bytes/s'],
    lines: lines.map((l, i) => ({ statistic: `s${i}`, label: `Line ${i}`, kind: 'gauge', unit: 'bytes/s', axis: 0, ...l })),
    ...more,
  };
}

function scale(low: number, high: number, unit = '', zero = false): Axis {
  const [axis] = axes([{ unit, low, high, zero }]);
  if (!axis) throw new Error('an extent has an axis');
  return axis;
}
const ticks = (a: Axis) => Array.from({ length: Math.round((a.max - a.min) / a.step) + 1 }, (_, i) => tickText(a.min + i * a.step, a));

describe('axes', () => {
  it('have round steps, of bytes binary ones', () => {
    expect([0.011, 0.3, 1, 1.1, 7].map((x) => niceStep(x, false))).toEqual([0.02, 0.5, 1, 2, 10]);
    expect([1, 3, 600, 1025].map((x) => niceStep(x, true))).toEqual([1, 4, 1024, 2048]);
    expect(niceStep(0.03, true)).toBe(0.05);
  });
  it('begin at zero unless that squeezes what happens', () => {
    expect(scale(3, 100)).toMatchObject({ min: 0 });
    expect(scale(38, 41)).toMatchObject({ min: 38, max: 42, step: 1 });
    expect(scale(38, 41, '', true)).toMatchObject({ min: 0 });
    expect(scale(-8, -1)).toMatchObject({ min: -8, max: 0 });
  });
  it('hold everything in four steps each, so that lines of two coincide', () => {
    for (const [low, high] of [[0, 0], [5, 5], [-3, 7], [0.0001, 0.0002], [1e12, 1.5e12], [99.5, 100.5]] as const) {
      const a = scale(low, high);
      expect((a.max - a.min) / a.step).toBeCloseTo(4);
      expect(a.min).toBeLessThanOrEqual(low);
      expect(a.max).toBeGreaterThanOrEqual(high);
    }
    expect(axes([{ unit: '', low: undefined, high: undefined, zero: false }])).toHaveLength(1);
  });
  it('speak of bytes in IEC units and of others with a prefix', () => {
    expect(ticks(scale(0, 900 * 2 ** 20, 'bytes', true))).toEqual(['0 B', '256 MiB', '512 MiB', '768 MiB', '1 GiB']);
    expect(ticks(scale(0, 1.9 * 2 ** 30, 'bytes/s', true))).toEqual(['0 B/s', '512 MiB/s', '1 GiB/s', '1.5 GiB/s', '2 GiB/s']);
    expect(ticks(scale(0, 70_000, 'ops', true))).toEqual(['0', '20k', '40k', '60k', '80k']);
    expect(ticks(scale(0, 1.9, 's'))).toEqual(['0', '0.5', '1.0', '1.5', '2.0']);
    expect(ticks(scale(60, 88, '%'))).toEqual(['60 %', '70 %', '80 %', '90 %', '100 %']);
  });
  it('name their unit unless it is at every line', () => {
    expect(['ms', 'bytes', 'bytes/s', '%', '1/s'].map(axisName)).toEqual(['ms', '', '', '', '/s']);
  });
});

describe('ranges', () => {
  it('stand in an address and come back', () => {
    for (const text of ['15m', '6h', '90d', '2026-03-05T11:00:00Z..2026-03-05T12:00:00Z']) {
      const range = parseRange(text);
      expect(range && rangeText(range)).toBe(text);
    }
    expect(parseRange('45m')).toEqual({ live: 2_700_000 });
    for (const bad of [undefined, '', '0s', '5s', '1y', 'x..y', '2026-03-05T12:00:00Z..2026-03-05T11:00:00Z', '2026-03-05T12:00:00Z']) expect(parseRange(bad)).toBeUndefined();
  });
  it('move, grow and shrink around their middle', () => {
    const hour = parseInterval('2026-03-05T11:00:00Z..2026-03-05T12:00:00Z') ?? { from: 0, to: 0 };
    expect(moved(hour, -0.5)).toEqual({ from: at(-1800), to: at(1800) });
    expect(scaled(hour, 2)).toEqual({ from: at(-1800), to: at(5400) });
    expect(dragged(at(100), at(400))).toEqual(dragged(at(400), at(100)));
    expect(dragged(at(10), at(12))).toEqual({ from: at(-19), to: at(41) });
    expect(intervalOf({ live: 60_000 }, at(60))).toEqual({ from: at(0), to: at(60) });
  });
});

describe('steps', () => {
  it('are found by time', () => {
    const c = chart([{}]);
    expect(stepEnd(c, 0)).toBe(at(10));
    expect([0, 4, 6, 14, 16, 44, 50].map((s) => nearestStep(c, at(s)))).toEqual([-1, -1, 0, 0, 1, 3, -1]);
    expect([0, 1, 10, 11, 40, 41].map((s) => stepAt(c, at(s)))).toEqual([-1, 0, 0, 1, 3, -1]);
  });
  it('fall apart where samples are missing', () => {
    expect(runs([null, 1, 2, null, 3, null])).toEqual([[1, 2], [4]]);
  });
  it('give each axis what stands on it, within the part shown', () => {
    const c = chart([{ values: [1, 2, null, 9], low: [0.5, 2, null, 9], high: [1, 3, null, 9] }, { axis: 1, kind: 'counter', unit: '1/s', values: [7, 7, 7, 7] }], { units: ['bytes/s', '1/s'] });
    expect(extents(c, { from: at(0), to: at(20) }, new Set())).toEqual([
      { unit: 'bytes/s', low: 0.5, high: 3, zero: false },
      { unit: '1/s', low: 7, high: 7, zero: true },
    ]);
    expect(extents(c, { from: at(0), to: at(20) }, new Set(['s0']))[0]).toMatchObject({ low: undefined });
  });
  it('are asked for again when the next is complete, by the server’s clock', () => {
    const list = { from: iso(0), to: iso(43), charts: [chart([{}]), chart([{}], { step: 3600, steps: 1 })] };
    expect(untilNextStep(list)).toBe(8000);
    expect(untilNextStep({ ...list, charts: [chart([{}], { step: 86400, steps: 1 })] })).toBe(300_000);
    expect(untilNextStep({ ...list, to: iso(49.9) })).toBe(2000);
  });
});

describe('histograms', () => {
  const rising = [null, [1, 5], [2, 5], null, [4, 6]];
  it('are seen to accumulate if no bin falls and some rise', () => {
    expect(accumulates(rising)).toBe(true);
    expect(accumulates([[1, 5], [2, 4]])).toBe(false);
    expect(accumulates([[1, 5], [1, 5]])).toBe(false);
    expect(accumulates([])).toBe(false);
  });
  it('grow by step, over gaps, and begin anew after a reset', () => {
    expect(growth(rising)).toEqual([null, null, [1, 0], null, [2, 1]]);
    expect(growth([[10, 10], [12, 10], [3, 0], [4, 0]])).toEqual([null, [2, 0], [3, 0], [1, 0]]);
  });
  it('keep small counts in sight', () => {
    expect([0, 1, 25, 100].map((n) => strength(n, 100))).toEqual([0, 0.1, 0.5, 1]);
    expect(strength(5, 0)).toBe(0);
  });
});

describe('markers', () => {
  const alert = (id: number, began: number, ended: number | null, severity: Schema['AlertSeverity'] = 'warning') =>
    ({ id, severity, message: `Alert ${id}`, began: iso(began), ended: ended === null ? null : iso(ended) }) as Schema['Alert'];
  const shown = { from: at(100), to: at(200) };
  it('are of the alerts that were active in the part shown', () => {
    const list = [alert(1, 0, 99), alert(2, 0, 100), alert(3, 150, null), alert(4, 201, null), alert(5, 0, null)];
    expect(markers(list, shown).map((m) => m.id)).toEqual([2, 5, 3]);
  });
  it('stand where alerts began and ended, together where they are near', () => {
    const list = markers([alert(1, 50, 110, 'error'), alert(2, 112, 150), alert(3, 152, null, 'error')], shown);
    expect(clusters(list, shown, 5000).map((c) => [(c.time - from) / 1000, c.edges.map((e) => `${e.marker.id} ${e.kind}`).join(), c.severity, c.over])).toEqual([
      [110, '1 ended,2 began', 'error', false],
      [150, '2 ended,3 began', 'error', false],
    ]);
    expect(clusters(list, shown, 1000)).toHaveLength(4);
    expect(clusters(markers([alert(1, 50, 110)], shown), shown, 1000)[0]?.over).toBe(true);
  });
});

describe('the table of values', () => {
  it('has a row for each step, with the least and the greatest where they differ', () => {
    const table = valueTable(chart([{ label: 'Read', values: [1, 2, null, 4], low: [1, 1, null, 4], high: [1, 3, null, 4] }, { label: '=Write', values: [5, 6, 7, 8] }]), 'reported');
    expect(table.columns.map((c) => c.label)).toEqual(['Read', 'Read, least', 'Read, greatest', '=Write']);
    expect(csvRows(table).slice(0, 3)).toEqual([
      ['time', 'Read (bytes/s)', 'Read, least (bytes/s)', 'Read, greatest (bytes/s)', '=Write (bytes/s)'],
      ['2026-03-05T11:00:10.000Z', 1, 1, 1, 5],
      ['2026-03-05T11:00:20.000Z', 2, 1, 3, 6],
    ]);
    expect(csvRows(table)[3]).toEqual(['2026-03-05T11:00:30.000Z', null, null, null, 7]);
  });
  it('has a column for each bin of a histogram, as grown or as reported', () => {
    const c = chart([{ label: 'Sizes', kind: 'histogram', unit: 'bytes', bins: [[0, 4096], [4097]], counts: [[1, 1], [2, 5], null, [2, 6]] }], { kind: 'histogram' });
    expect(valueTable(c, 'growth').columns.map((x) => x.label)).toEqual(['up to 4 KiB', 'over 4 KiB']);
    expect(valueTable(c, 'growth').rows.map((r) => r.values)).toEqual([[null, null], [1, 4], [null, null], [0, 1]]);
    expect(valueTable(c, 'reported').rows[3]?.values).toEqual([2, 6]);
  });
});

it('time and place follow from each other', () => {
  const frame = frameOf(2);
  const shown = { from: at(0), to: at(100) };
  for (const s of [0, 33, 100]) expect(timeAt(xOf(at(s), shown, frame, 700), shown, frame, 700)).toBeCloseTo(at(s), 3);
  expect(timeAt(-50, shown, frame, 700)).toBe(at(0));
});

describe('titles', () => {
  it('come back from an address as they were', () => {
    const titles = ['Bandwidth', 'Requests, and latency', '100 %'];
    expect([...parseTitles(formatTitles(titles))]).toEqual(titles);
    expect(formatTitles([])).toBeUndefined();
    expect([...parseTitles('%zz,Load,')]).toEqual(['Load']);
  });
});
