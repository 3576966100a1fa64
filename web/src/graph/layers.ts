import type { Schema } from '../api/client';
import { healths, worst, type Health } from '../ui/health';

/** What stands in a drawing: a resource, or many of one class and distance. */
export type Item =
  | { kind: 'resource'; key: string; node: Schema['Node'] }
  | { kind: 'group'; key: string; class: string; depth: number; count: number; health: Health; sick: number };

/** An edge of a drawing. It is sick if illness comes along it. */
export interface Link {
  source: string;
  target: string;
  health: Health;
}

/** A folded graph as it is drawn. */
export interface Folded {
  items: Item[];
  links: Link[];
}

/** How many members an open group shows; the server's default. */
export const pageSize = 40;

/** The server's folded graph as a drawing has it. */
export function toItems(layers: Schema['Layers']): Folded {
  const items: Item[] = layers.nodes.map((node) => ({ kind: 'resource', key: String(node.id), node }));
  for (const g of layers.groups) {
    if (g.folded === 0) continue;
    items.push({
      kind: 'group',
      key: g.key,
      class: `${g.plugin}.${g.class}`,
      depth: g.depth,
      count: g.folded,
      health: worst(g.health),
      sick: g.folded - g.health.ok,
    });
  }
  const links: Link[] = layers.links.map(({ source, target, health }) => ({ source, target, health }));
  return { items, links };
}

/** The open groups of an address: by key, how many members come before the page. */
export type Open = ReadonlyMap<string, number>;

/** Reads "1:acme.Disk:40,2:acme.Lun"; what is no group is left out. */
export function parseOpen(text: string | undefined): Open {
  const open = new Map<string, number>();
  for (const part of (text ?? '').split(',')) {
    const found = /^(-?\d+:[^:]+)(?::(\d+))?$/.exec(part);
    if (found?.[1] !== undefined) open.set(found[1], Number(found[2] ?? 0));
  }
  return open;
}

/** The same as a list, as the server and the address have it. */
export function formatOpen(open: Open): string[] {
  return [...open].map(([key, first]) => (first === 0 ? key : `${key}:${first}`));
}

/** With a group open at a page, or folded if that is undefined. */
export function withGroup(open: Open, key: string, first: number | undefined): Open {
  const next = new Map(open);
  if (first === undefined) next.delete(key);
  else next.set(key, first);
  return next;
}

/** Which members an open group shows, and whether there are pages around. */
export function pageOf(group: Schema['LayerGroup']): { from: number; to: number; previous: number | undefined; next: number | undefined } {
  const end = group.first + group.shown;
  return {
    from: group.first + 1,
    to: end,
    previous: group.first > 0 ? Math.max(0, group.first - pageSize) : undefined,
    next: end < group.total ? end : undefined,
  };
}

/** A row of the table: a resource or a group, and what it hangs on. */
export interface LayerRow {
  key: string;
  depth: number;
  class: string;
  /** Of its class in its layer, for the order and the paging. */
  group: Schema['LayerGroup'] | undefined;
  node: Schema['Node'] | undefined;
  /** The keys of its neighbours that are nearer to the start, the sick ones first. */
  from: string[];
}

/** The rows of each layer, from the furthest above to the furthest below. */
export function layerRows(layers: Schema['Layers']): { depth: number; rows: LayerRow[] }[] {
  const depthOf = new Map<string, number>();
  for (const n of layers.nodes) depthOf.set(String(n.id), n.depth);
  for (const g of layers.groups) depthOf.set(g.key, g.depth);
  const from = new Map<string, { key: string; rank: number }[]>();
  const add = (to: string, key: string, health: Schema['Severity']) => {
    const list = from.get(to);
    const entry = { key, rank: healths.indexOf(health) };
    if (list) list.push(entry);
    else from.set(to, [entry]);
  };
  for (const { source, target, health } of layers.links) {
    const [a, b] = [depthOf.get(source) ?? 0, depthOf.get(target) ?? 0];
    // Above the start the way to it goes to children, below it to parents.
    if (a >= 0 && b > a) add(target, source, health);
    else if (b <= 0 && a < b) add(source, target, health);
  }
  const groupOf = new Map(layers.groups.map((g) => [g.key, g]));
  const byDepth = new Map<number, LayerRow[]>();
  const push = (row: Omit<LayerRow, 'from'>) => {
    const found = from.get(row.key) ?? [];
    found.sort((a, b) => b.rank - a.rank);
    const rows = byDepth.get(row.depth) ?? [];
    rows.push({ ...row, from: found.map((f) => f.key) });
    byDepth.set(row.depth, rows);
  };
  for (const node of layers.nodes) {
    const cls = `${node.plugin}.${node.class}`;
    push({ key: String(node.id), depth: node.depth, class: cls, group: groupOf.get(`${node.depth}:${cls}`), node });
  }
  for (const g of layers.groups) push({ key: g.key, depth: g.depth, class: `${g.plugin}.${g.class}`, group: g, node: undefined });
  const layersOut = [...byDepth].map(([depth, rows]) => {
    // The group of a class stands below those of it that stand for themselves.
    const classes = [...new Set(rows.map((r) => r.class))];
    rows.sort((a, b) => classes.indexOf(a.class) - classes.indexOf(b.class) || Number(a.node === undefined) - Number(b.node === undefined));
    return { depth, rows };
  });
  return layersOut.sort((a, b) => a.depth - b.depth);
}
