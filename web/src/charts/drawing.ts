import type { Axis } from './axes';
import type { Marker } from './markers';
import type { Interval } from './range';

/** What a drawing shows, apart from its colours and its size. */
export interface Drawing {
  interval: Interval;
  /** One or two scales; none if the drawing has cells. */
  axes: Axis[];
  lines: DrawnLine[];
  cells?: Cells;
  markers: readonly Marker[];
}

export interface DrawnLine {
  axis: number;
  /** Which of the colours. */
  color: number;
  /** Of each step its end and its value. */
  points: readonly (readonly [number, number | null])[];
  /** The unbroken parts of a band between the least and the greatest: time, low, high. */
  band: readonly (readonly (readonly [number, number, number])[])[];
}

/** A heat map: a row for each bin, the lowest at the bottom. */
export interface Cells {
  labels: readonly string[];
  color: number;
  /** The length of a step in milliseconds. */
  step: number;
  /** The end of its step, its bin, and how strong it is, above 0 up to 1. */
  cells: readonly (readonly [number, number, number])[];
}

/** The room around the plotted area, in pixels. */
export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The room that a drawing's axes and markers need. It depends on what is declared only, so that nothing moves when data comes. */
export function frameOf(axisCount: number, labels: readonly string[] = []): Frame {
  const widest = labels.reduce((most, l) => Math.max(most, l.length), 0);
  return {
    left: labels.length > 0 ? Math.min(130, 16 + widest * 6.2) : 64,
    right: axisCount > 1 ? 64 : 14,
    top: 22,
    bottom: 22,
  };
}

/** Where a point in time is drawn, in pixels from the left. */
export function xOf(t: number, { from, to }: Interval, frame: Frame, width: number): number {
  return frame.left + ((t - from) / (to - from)) * (width - frame.left - frame.right);
}

/** Which point in time is drawn there; outside the plotted area, the nearest one. */
export function timeAt(x: number, { from, to }: Interval, frame: Frame, width: number): number {
  const share = (x - frame.left) / (width - frame.left - frame.right);
  return from + Math.min(1, Math.max(0, share)) * (to - from);
}

/** Where a value is drawn, in pixels from the top. */
export function yOf(value: number, { min, max }: Axis, frame: Frame, height: number): number {
  return height - frame.bottom - ((value - min) / (max - min)) * (height - frame.top - frame.bottom);
}
