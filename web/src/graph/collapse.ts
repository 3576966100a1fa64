import type { Schema } from '../api/client';
import { fullClass } from '../ui/classes';
import { healths, type Health } from '../ui/health';

export type GraphNode = Schema['Node'];

/** What stands in a drawing: a resource, or many of one class and distance. */
export type Item =
  | { kind: 'resource'; key: string; node: GraphNode }
  | { kind: 'group'; key: string; class: string; depth: number; count: number; health: Health; sick: number };

/** An edge of a drawing. It is sick if illness comes along it. */
export interface Link {
  source: string;
  target: string;
  health: Health;
}

export interface Collapsed {
  items: Item[];
  links: Link[];
}

/** More resources than this of one class at one distance become a group. */
export const foldAbove = 5;
/** Of what can make the resource sick, so many sick ones stand for themselves. */
const sickShown = 4;
/** A click on a group brings out so many of its members. */
export const unfoldBy = 40;

const rank = (h: Health) => healths.indexOf(h);
const collator = new Intl.Collator(undefined, { numeric: true });

/** Worst first, then by name as people count: disk 2 before disk 10. */
export function bySickness(a: GraphNode, b: GraphNode): number {
  return rank(b.health) - rank(a.health) || collator.compare(a.name, b.name) || a.id - b.id;
}

function worstOf(nodes: GraphNode[]): Health {
  return nodes.reduce<Health>((worst, n) => (rank(n.health) > rank(worst) ? n.health : worst), 'ok');
}

/**
 * Folds large fans of a graph into groups, by class and distance from the
 * start. Unfolded says how many members of a group to bring out. Illness
 * follows edges from parent to child, so an edge is as sick as its parent.
 */
export function collapse(graph: Schema['Graph'], start: number, unfolded: ReadonlyMap<string, number>): Collapsed {
  const items: Item[] = [];
  const keyOf = new Map<number, string>();
  const single = (node: GraphNode) => {
    const key = String(node.id);
    keyOf.set(node.id, key);
    items.push({ kind: 'resource', key, node });
  };

  const fans = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    if (node.id === start) {
      single(node);
      continue;
    }
    const key = `${node.depth} ${fullClass(node)}`;
    const fan = fans.get(key);
    if (fan) fan.push(node);
    else fans.set(key, [node]);
  }
  for (const [key, fan] of fans) {
    fan.sort(bySickness);
    const depth = fan[0]?.depth ?? 0;
    let shown = fan.length <= foldAbove ? fan.length : (unfolded.get(key) ?? 0);
    // Below a sick resource everything is sick, which tells nothing. Above, it
    // tells where to look.
    if (depth < 0) shown = Math.max(shown, Math.min(sickShown, fan.filter((n) => n.health !== 'ok').length));
    // A group of one would take as much room as the one.
    if (fan.length - shown === 1) shown++;
    fan.slice(0, shown).forEach(single);
    const members = fan.slice(shown);
    const head = members[0];
    if (!head) continue;
    for (const node of members) keyOf.set(node.id, key);
    items.push({
      kind: 'group',
      key,
      class: fullClass(head),
      depth,
      count: members.length,
      health: worstOf(members),
      sick: members.filter((n) => n.health !== 'ok').length,
    });
  }

  const health = new Map(graph.nodes.map((n) => [n.id, n.health]));
  const links = new Map<string, Link>();
  for (const edge of graph.edges) {
    const source = keyOf.get(edge.parent);
    const target = keyOf.get(edge.child);
    if (source === undefined || target === undefined || source === target) continue;
    const flow = health.get(edge.parent) ?? 'ok';
    const key = `${source}>${target}`;
    const link = links.get(key);
    if (!link) links.set(key, { source, target, health: flow });
    else if (rank(flow) > rank(link.health)) link.health = flow;
  }
  return { items, links: [...links.values()] };
}

/** A resource in a list of the graph, with what lies behind it. */
export interface Branch {
  node: GraphNode;
  branches: Branch[];
}

/**
 * Makes lists out of one direction of the graph: every resource once, below
 * the first of its neighbours that is nearer to the start.
 */
export function branches(graph: Schema['Graph'], start: number, direction: Schema['Direction']): Branch[] {
  const nodes = new Map(graph.nodes.map((n) => [n.id, n]));
  const sign = direction === 'up' ? -1 : 1;
  const next = new Map<number, number[]>();
  for (const { parent, child } of graph.edges) {
    const [from, to] = direction === 'up' ? [child, parent] : [parent, child];
    const list = next.get(from);
    if (list) list.push(to);
    else next.set(from, [to]);
  }
  const seen = new Set([start]);
  const root: Branch[] = [];
  let level: { id: number; into: Branch[] }[] = [{ id: start, into: root }];
  while (level.length > 0) {
    const below: typeof level = [];
    for (const { id, into } of level) {
      for (const other of next.get(id) ?? []) {
        const node = nodes.get(other);
        if (!node || seen.has(other) || node.depth * sign <= 0) continue;
        seen.add(other);
        const branch: Branch = { node, branches: [] };
        into.push(branch);
        below.push({ id: other, into: branch.branches });
      }
      into.sort((a, b) => bySickness(a.node, b.node));
    }
    level = below;
  }
  return root;
}
