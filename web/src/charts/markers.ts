import type { Schema } from '../api/client';
import { severities } from '../ui/health';
import type { Interval } from './range';

/** An alert as far as a chart shows it, in milliseconds. */
export interface Marker {
  id: number;
  severity: Schema['AlertSeverity'];
  message: string;
  began: number;
  /** None while it is active. */
  ended: number | undefined;
}

/** The alerts that were active at some time of the interval, oldest first. */
export function markers(alerts: readonly Schema['Alert'][], { from, to }: Interval): Marker[] {
  return alerts
    .map((a) => ({ id: a.id, severity: a.severity, message: a.message, began: Date.parse(a.began), ended: a.ended === null ? undefined : Date.parse(a.ended) }))
    .filter((m) => m.began <= to && (m.ended ?? to) >= from)
    .sort((a, b) => a.began - b.began || a.id - b.id);
}

/** Where an alert began or ended. */
export interface Edge {
  marker: Marker;
  kind: 'began' | 'ended';
  time: number;
}

/** Edges that are drawn as one, since they would lie upon each other. */
export interface Cluster {
  /** Of the first of them. */
  time: number;
  edges: Edge[];
  /** The worst among them. */
  severity: Marker['severity'];
  /** Alerts only ended here. */
  over: boolean;
}

/** The edges within the interval, gathered where less than so many milliseconds lie between them. */
export function clusters(list: readonly Marker[], { from, to }: Interval, apart: number): Cluster[] {
  const edges = list
    .flatMap((marker): Edge[] => [
      { marker, kind: 'began', time: marker.began },
      ...(marker.ended === undefined ? [] : [{ marker, kind: 'ended' as const, time: marker.ended }]),
    ])
    .filter((e) => e.time >= from && e.time <= to)
    .sort((a, b) => a.time - b.time);
  const out: Cluster[] = [];
  for (const edge of edges) {
    const last = out.at(-1);
    if (last && edge.time - last.time < apart) last.edges.push(edge);
    else out.push({ time: edge.time, edges: [edge], severity: edge.marker.severity, over: false });
  }
  for (const c of out) {
    c.severity = severities.find((s) => c.edges.some((e) => e.marker.severity === s)) ?? c.severity;
    c.over = c.edges.every((e) => e.kind === 'ended');
  }
  return out;
}
