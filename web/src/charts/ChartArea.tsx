import { useElementSize } from '@mantine/hooks';
import { lazy, Suspense, useMemo, useState, type KeyboardEvent, type PointerEvent, type ReactNode, type Ref } from 'react';
import { formatTime } from '../format/time';
import { HealthIcon } from '../ui/HealthIcon';
import { healthName } from '../ui/health';
import { useBoard, useCursor } from './board';
import classes from './ChartArea.module.css';
import { timeAt, xOf, yOf, type Drawing, type Frame } from './drawing';
import { clusters, type Cluster } from './markers';
import type { PlotHandle } from './Plot';
import { dragged } from './range';

// The drawing engine is large, and no page needs it to show its words.
const Plot = lazy(() => import('./Plot').then((m) => ({ default: m.Plot })));

/** What a chart says of a point in time. */
export interface Reading {
  /** The point that the values belong to, which is near the one asked for. */
  time: number;
  items: { label: string; text: string; color?: string; axis?: number; value?: number }[];
}

interface Props {
  label: string;
  drawing: Drawing;
  frame: Frame;
  height: number;
  /** The values at a point in time, or none; y counts in pixels from the top of the plotted area. */
  read: (time: number, y?: number) => Reading | undefined;
  /** How far the keyboard moves the cursor, in milliseconds. */
  step: number;
  plot?: Ref<PlotHandle>;
  /** Stands over the plotted area, in place of what is not there. */
  children?: ReactNode;
}

/**
 * A drawing with what readers do on it: the cursor that all charts of the board
 * share, the values under it, zoom by drag, a click or Enter that chooses the
 * moment, and the marks of alerts.
 */
export function ChartArea({ label, drawing, frame, height, read, step, plot, children }: Props) {
  const board = useBoard();
  const cursor = useCursor();
  const { ref, width } = useElementSize();
  const [pointer, setPointer] = useState<{ x: number; y: number }>();
  const [start, setStart] = useState<number>();
  const { interval } = drawing;
  const x = (t: number) => xOf(t, interval, frame, width);
  const inside = (t: number | undefined): t is number => t !== undefined && t >= interval.from && t <= interval.to;

  const place = (e: PointerEvent<HTMLElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    // The sheet covers the plotted area, and x counts from the chart's edge.
    return { x: e.clientX - box.left + frame.left, y: e.clientY - box.top };
  };
  const move = (e: PointerEvent<HTMLElement>) => {
    const at = place(e);
    setPointer(at);
    board.cursor.set(timeAt(at.x, interval, frame, width));
  };
  const leave = () => {
    setPointer(undefined);
    setStart(undefined);
    board.cursor.set(undefined);
  };
  const release = (e: PointerEvent<HTMLElement>) => {
    const at = place(e);
    if (start === undefined) return;
    setStart(undefined);
    if (Math.abs(at.x - start) >= 6) {
      leave();
      board.setZoom(dragged(timeAt(start, interval, frame, width), timeAt(at.x, interval, frame, width)));
    } else board.setAt(timeAt(at.x, interval, frame, width));
  };
  const press = (e: KeyboardEvent) => {
    const by = { ArrowLeft: -step, ArrowRight: step, PageUp: -10 * step, PageDown: 10 * step }[e.key];
    const now = inside(cursor) ? cursor : interval.to;
    if (by !== undefined) board.cursor.set(Math.min(interval.to, Math.max(interval.from, now + by)));
    else if (e.key === 'Home') board.cursor.set(interval.from);
    else if (e.key === 'End') board.cursor.set(interval.to);
    else if (e.key === 'Enter') board.setAt(now);
    else if (e.key === 'Escape') board.cursor.set(undefined);
    else return;
    e.preventDefault();
  };

  const reading = inside(cursor) ? read(cursor, pointer?.y) : undefined;
  const spoken = reading && [formatTime(reading.time), ...reading.items.map((i) => `${i.label} ${i.text}`)].join(', ');
  const edges = useMemo(
    () => (width > 0 ? clusters(drawing.markers, interval, (26 / Math.max(1, width - frame.left - frame.right)) * (interval.to - interval.from)) : []),
    [drawing.markers, interval, width, frame],
  );
  const area = { left: frame.left, right: frame.right, top: frame.top, bottom: frame.bottom };
  return (
    <div ref={ref} className={classes['area']} style={{ height }}>
      {width > 0 && (
        <Suspense fallback={null}>
          <Plot drawing={drawing} frame={frame} width={width} height={height} ref={plot ?? null} />
        </Suspense>
      )}
      {inside(board.at) && <div className={classes['chosen']} style={{ left: x(board.at), top: frame.top, bottom: frame.bottom }} />}
      {inside(cursor) && start === undefined && <div className={classes['cursor']} style={{ left: x(cursor), top: frame.top, bottom: frame.bottom }} />}
      {reading?.items.map((item, i) => {
        const axis = item.axis === undefined ? undefined : drawing.axes[item.axis];
        return (
          axis &&
          item.value !== undefined && (
            <div key={i} className={classes['dot']} style={{ left: x(reading.time), top: yOf(item.value, axis, frame, height), background: `var(${item.color ?? ''})` }} />
          )
        );
      })}
      {start !== undefined && pointer && (
        <div className={classes['drag']} style={{ left: Math.min(start, pointer.x), width: Math.abs(pointer.x - start), top: frame.top, bottom: frame.bottom }} />
      )}
      <div
        className={classes['sheet']}
        style={area}
        role="slider"
        tabIndex={0}
        aria-label={`Moment in ${label}`}
        aria-orientation="horizontal"
        aria-valuemin={Math.round(interval.from / 1000)}
        aria-valuemax={Math.round(interval.to / 1000)}
        aria-valuenow={Math.round((inside(cursor) ? cursor : interval.to) / 1000)}
        aria-valuetext={spoken ?? 'no moment is chosen'}
        onKeyDown={press}
        onBlur={leave}
        onPointerDown={(e) => {
          if (e.button !== 0) return;
          e.currentTarget.setPointerCapture(e.pointerId);
          setStart(place(e).x);
          move(e);
        }}
        onPointerMove={move}
        onPointerUp={release}
        onPointerCancel={leave}
        onPointerLeave={leave}
      />
      {edges.map((c) => (
        <Mark key={c.time} cluster={c} x={x(c.time)} right={x(c.time) > width / 2} onClick={() => board.setAt(c.time)} />
      ))}
      {children}
      {reading && pointer && start === undefined && (
        <div className={classes['reading']} data-side={pointer.x > width / 2 ? 'left' : 'right'} style={{ left: x(cursor ?? 0), top: frame.top + 4 }} aria-hidden="true">
          <div className={classes['time']}>{formatTime(reading.time)}</div>
          {reading.items.map((item, i) => (
            <div key={i} className={classes['item']}>
              {item.color !== undefined && <i style={{ background: `var(${item.color})` }} />}
              <span>{item.label}</span>
              <b>{item.text}</b>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

/** Where alerts began or ended: the sign of the worst, and the words of all as a hint. */
function Mark({ cluster, x, right, onClick }: { cluster: Cluster; x: number; right: boolean; onClick: () => void }) {
  const lines = cluster.edges.map((e) => `${healthName(e.marker.severity)} ${e.kind}: ${e.marker.message}, ${formatTime(e.time)}`);
  const count = lines.length > 1 ? lines.length : undefined;
  return (
    <button type="button" className={classes['mark']} data-over={cluster.over || undefined} data-severity={cluster.severity} style={{ left: x }} aria-label={`${count ? `${count} alerts: ` : ''}${lines.join('; ')}`} onClick={onClick}>
      <HealthIcon health={cluster.severity} size={13} silent />
      {count && <span className={classes['count']} aria-hidden="true">{count}</span>}
      <span className={classes['hint']} data-side={right ? 'left' : undefined} aria-hidden="true">
        {lines.slice(0, 6).map((l, i) => (
          <span key={i}>{l}</span>
        ))}
        {lines.length > 6 && <span>and {lines.length - 6} more</span>}
      </span>
    </button>
  );
}
