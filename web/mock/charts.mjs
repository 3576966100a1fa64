// Statistics of the mock: a function of time and of the resource, sampled every
// ten seconds, so that every range shows the same past. An hour ago nothing was
// sampled for some minutes; power was never sampled.

const period = 10_000;
const round = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400];
const mib = 1024 * 1024;
// Fixed when the mock starts.
const gap = { from: Date.now() - 40 * 60_000, to: Date.now() - 34 * 60_000 };

const known = (s, t) => s.name !== 'power' && (t <= gap.from || t > gap.to);

function wave(t, seed) {
  const x = t / period;
  return Math.sin((x + seed) / 9) + Math.sin((x + seed * 3) / 4) / 2 + Math.sin(x / 360 + seed);
}

/** What a gauge has, or a counter grows by a second. */
function value(s, seed, base, t) {
  const w = wave(t, seed);
  switch (s.name) {
    case 'temperature':
      return Math.round((base ?? 38 + (seed % 5)) * 10 + w * 8) / 10;
    case 'speed':
      return Math.round(5200 + w * 120);
    case 'load':
      return Math.round((45 + (seed % 30) + w * 8) * 10) / 10;
    case 'latency':
      return Math.max(0.2, Math.round((4 + wave(t, seed + 7)) * 100) / 100);
    case 'requests':
      return Math.max(0, Math.round(900 + w * 300));
    case 'write_bytes_per_sec':
      return Math.max(0, Math.round((60 + (seed % 30) + wave(t, seed + 5) * 25) * mib));
    default:
      return Math.max(0, Math.round((110 + (seed % 40) + w * 40) * mib));
  }
}

/** Counts since a start, as brw_stats has them. */
function counts(s, seed, t) {
  const n = Math.floor(t / period) % 1_000_000;
  return s.bins.map((_, b) => Math.floor(n * (3 + 40 * Math.abs(Math.sin(seed + b * 1.7))) + 100 * (1 + Math.sin(n / 40 + b))));
}

/** The last sample of a statistic, if there is one. */
export function lastSample(s, seed, base) {
  const t = Math.floor(Date.now() / period) * period;
  if (!known(s, t)) return {};
  const time = new Date(t).toISOString();
  return s.kind === 'histogram' ? { time, value: null, bins: counts(s, seed, t) } : { time, value: value(s, seed, base, t) };
}

/** The declared charts of a class for a resource, in the form of GET /resources/{id}/charts. */
export function charts(cls, { seed, base, began }, from, to, points) {
  const wanted = Math.max(period, (to - from) / points) / 1000;
  const list = cls.charts.map((declared) => {
    const stats = declared.series.map((n) => cls.statistics.find((s) => s.name === n));
    const least = Math.max(wanted, ...stats.map((s) => s.sample_period));
    const step = (round.find((r) => r >= least) ?? Math.ceil(least / 86400) * 86400) * 1000;
    const first = Math.floor(from / step) * step;
    const steps = Math.max(1, Math.floor(to / step) - Math.floor(from / step));
    const units = [];
    const lines = stats.map((s) => {
      const unit = s.kind === 'counter' ? `${s.unit || '1'}/s` : s.unit;
      if (!units.includes(unit)) units.push(unit);
      const line = { statistic: s.name, label: s.label, kind: s.kind, unit, axis: units.indexOf(unit) };
      const each = Array.from({ length: steps }, (_, i) => samples(s, first + i * step, step, began));
      if (s.kind === 'histogram') return { ...line, bins: s.bins, counts: each.map((ts) => (ts.length === 0 ? null : counts(s, seed, ts.at(-1)))) };
      const values = each.map((ts) => ts.map((t) => value(s, seed, base[s.name], t)));
      const of = (f) => values.map((v) => (v.length === 0 ? null : f(v)));
      line.values = of((v) => v.reduce((a, b) => a + b, 0) / v.length);
      return s.kind === 'gauge' ? { ...line, low: of((v) => Math.min(...v)), high: of((v) => Math.max(...v)) } : line;
    });
    return { title: declared.title, kind: stats[0].kind === 'histogram' ? 'histogram' : 'time_series', from: new Date(first).toISOString(), step: step / 1000, steps, units, lines };
  });
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), charts: list };
}

/** When samples came in a step; of a long one some stand for all. */
function samples(s, from, step, began) {
  const every = Math.max(period, Math.ceil(step / 12 / period) * period);
  const out = [];
  for (let t = from + every; t <= from + step; t += every) if (t >= began && t <= Date.now() && known(s, t)) out.push(t);
  return out;
}
