import type { CustomSeriesOption, LineSeriesOption } from 'echarts/charts';
import type { EChartsCoreOption } from 'echarts/core';
import { formatTick } from '../format/time';
import { axisName, tickText, type Axis } from './axes';
import type { Colors } from './colors';
import type { Cells, Drawing, DrawnLine, Frame } from './drawing';
import type { Marker } from './markers';
import { lengthOf } from './range';

/** Says in ECharts' words what is to be drawn. What readers touch is not part of it: see ChartArea. */
export function optionOf(drawing: Drawing, frame: Frame, width: number, colors: Colors): EChartsCoreOption {
  const { interval, axes, cells } = drawing;
  const length = lengthOf(interval);
  const quiet = { axisLine: { show: false }, axisTick: { show: false } };
  const label = { color: colors.muted, fontSize: 11 };
  return {
    animation: false,
    grid: { left: frame.left, right: frame.right, top: frame.top, bottom: frame.bottom, containLabel: false, outerBoundsMode: 'none' },
    xAxis: {
      type: 'time',
      min: interval.from,
      max: interval.to,
      splitNumber: Math.max(2, Math.round((width - frame.left - frame.right) / 90)),
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { lineStyle: { color: colors.line } },
      splitLine: { show: false },
      axisLabel: { ...label, hideOverlap: true, formatter: (t: number) => formatTick(t, length) },
    },
    yAxis: cells
      ? { type: 'category', data: [...cells.labels], ...quiet, splitLine: { show: false }, axisLabel: { ...label, interval: 'auto' } }
      : axes.map((axis, i) => ({
          type: 'value',
          min: axis.min,
          max: axis.max,
          interval: axis.step,
          position: i === 0 ? 'left' : 'right',
          ...quiet,
          splitLine: { show: i === 0, lineStyle: { color: colors.line } },
          name: axisName(axis.unit),
          nameGap: 8,
          // Cut where the chart ends.
          nameTextStyle: { ...label, align: i === 0 ? 'right' : 'left', padding: i === 0 ? [0, 8, 0, 0] : [0, 0, 0, 8], width: frame.left - 10, overflow: 'truncate' },
          axisLabel: { ...label, formatter: (n: number) => tickText(n, axis) },
        })),
    series: [
      ...(cells ? [heatMap(cells, colors)] : []),
      ...drawing.lines.flatMap((line) => [...band(line, colors), course(line, axes[line.axis], drawing.lines.length === 1, colors)]),
      alertBands(drawing.markers, drawing, colors),
    ],
  };
}

/** The line itself. A sample between two gaps has no line, so it is a point. */
function course(line: DrawnLine, axis: Axis | undefined, alone: boolean, colors: Colors): LineSeriesOption {
  const { points } = line;
  const color = colors.lines[line.color] ?? colors.text;
  return {
    type: 'line',
    yAxisIndex: line.axis,
    symbol: 'none',
    silent: true,
    clip: true,
    color,
    lineStyle: { width: 1.6, join: 'round' },
    ...(alone && axis ? { areaStyle: { opacity: 0.1, origin: 'start' as const } } : {}),
    data: points.map((p, i) => {
      const single = p[1] !== null && (points[i - 1]?.[1] ?? null) === null && (points[i + 1]?.[1] ?? null) === null;
      return single ? { value: [p[0], p[1]], symbol: 'circle', symbolSize: 4 } : [p[0], p[1]];
    }),
  };
}

function band(line: DrawnLine, colors: Colors): CustomSeriesOption[] {
  if (line.band.length === 0) return [];
  return [
    {
      type: 'custom',
      yAxisIndex: line.axis,
      silent: true,
      clip: true,
      data: line.band.map((run, i) => [run[0]?.[0] ?? 0, i]),
      renderItem: (params, api) => {
        const run = line.band[params.dataIndex] ?? [];
        const low = run.map(([t, l]) => api.coord([t, l]));
        const high = run.map(([t, , h]) => api.coord([t, h]));
        return { type: 'polygon', shape: { points: [...high, ...low.reverse()] }, style: { fill: colors.lines[line.color] ?? colors.text, opacity: 0.2 } };
      },
    },
  ];
}

function heatMap({ cells, step, color }: Cells, colors: Colors): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    clip: true,
    data: cells.map((c) => [c[0], c[1]]),
    renderItem: (params, api) => {
      const [t, bin, strength] = cells[params.dataIndex] ?? [0, 0, 0];
      const [right, middle] = api.coord([t, bin]);
      const [left] = api.coord([t - step, bin]);
      const height = (api.size?.([0, 1]) as number[])[1] ?? 0;
      if (right === undefined || left === undefined || middle === undefined) return null;
      // Whole pixels: no seams between neighbours, and a line between rows.
      const x = Math.round(left);
      const y = Math.round(middle - height / 2);
      return {
        type: 'rect',
        shape: { x, y, width: Math.max(1, Math.round(right) - x), height: Math.max(1, Math.round(middle + height / 2) - y - 1) },
        style: { fill: colors.lines[color] ?? colors.text, opacity: 0.1 + 0.9 * strength },
      };
    },
  };
}

/** The time that alerts were active: a line where each began, a dashed one where it ended, tinted between. */
function alertBands(markers: readonly Marker[], { interval, cells }: Drawing, colors: Colors): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    clip: true,
    z: 1,
    data: markers.map((m) => [Math.max(interval.from, m.began), cells ? 0 : null]),
    renderItem: (params, api) => {
      const m = markers[params.dataIndex];
      if (!m) return null;
      const area = params.coordSys as unknown as { x: number; y: number; width: number; height: number };
      const color = colors.severity[m.severity];
      const at = (t: number) => Math.round(api.coord([t, 0])[0] ?? 0);
      const edge = (t: number, dashed: boolean) => ({
        type: 'line' as const,
        shape: { x1: at(t) + 0.5, x2: at(t) + 0.5, y1: area.y, y2: area.y + area.height },
        style: { stroke: color, lineWidth: 1.5, ...(dashed ? { lineDash: [3, 3] } : {}) },
      });
      const from = at(Math.max(interval.from, m.began));
      const to = at(Math.min(interval.to, m.ended ?? interval.to));
      return {
        type: 'group',
        children: [
          { type: 'rect' as const, shape: { x: from, y: area.y, width: Math.max(1, to - from), height: area.height }, style: { fill: color, opacity: cells ? 0.04 : 0.07 } },
          ...(m.began >= interval.from ? [edge(m.began, false)] : []),
          ...(m.ended !== undefined && m.ended <= interval.to ? [edge(m.ended, true)] : []),
        ],
      };
    },
  };
}
