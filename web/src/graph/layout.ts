import ELK, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk-api';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { Folded } from './layers';

export interface Point {
  x: number;
  y: number;
}

/** Where the layout put everything, in pixels. */
export interface Layout {
  items: Map<string, Point>;
  /** The corners of each link, by `source>target`. */
  links: Map<string, Point[]>;
}

export const itemSize = { width: 184, height: 46 };

// The worker starts with this module, while the graph is still on its way.
const elk = new ELK({ workerUrl });

/**
 * Lays a graph out in layers, causes on the left and effects on the right.
 * It runs in a worker, so that the page answers meanwhile.
 */
export async function layOut({ items, links }: Folded): Promise<Layout> {
  const root = await elk.layout({
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '38',
      'elk.layered.spacing.edgeNodeBetweenLayers': '14',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
      'elk.spacing.nodeNode': '14',
      'elk.spacing.edgeNode': '14',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.mergeEdges': 'true',
    },
    children: items.map((item) => ({ id: item.key, ...itemSize })),
    edges: links.map((link): ElkExtendedEdge => ({ id: `${link.source}>${link.target}`, sources: [link.source], targets: [link.target] })),
  });
  return {
    items: new Map((root.children ?? []).map((n: ElkNode) => [n.id, { x: n.x ?? 0, y: n.y ?? 0 }])),
    links: new Map(
      root.edges.map((e) => {
        const section = e.sections?.[0];
        return [e.id, section ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint] : []];
      }),
    ),
  };
}

/** An SVG path through the points, with round corners. */
export function roundedPath(points: Point[], radius = 7): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${first.x} ${first.y}`;
  let from = first;
  rest.forEach((corner, i) => {
    const to = rest[i + 1];
    if (!to) {
      path += `L${corner.x} ${corner.y}`;
      return;
    }
    const a = toward(corner, from, radius);
    const b = toward(corner, to, radius);
    path += `L${a.x} ${a.y}Q${corner.x} ${corner.y} ${b.x} ${b.y}`;
    from = corner;
  });
  return path;
}

/** The point at most so far from one point on the way to the middle of the way to another. */
function toward(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  const t = Math.min(distance, length / 2) / length;
  return { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t };
}
