import { describe, expect, it } from 'vitest';
import type { Schema } from '../api/client';
import { branches, collapse, type GraphNode, unfoldBy } from './collapse';

const node = (id: number, cls: string, depth: number, health: Schema['Severity'] = 'ok'): GraphNode => ({
  id,
  plugin: 'acme',
  class: cls,
  bases: [],
  name: `${cls} ${id}`,
  health,
  stale: false,
  depth,
});

/** A pool (1) of n disks in one enclosure (500), with two LUNs; disk 103 failed. */
function pool(n: number): Schema['Graph'] {
  const disks = Array.from({ length: n }, (_, i) => node(100 + i, 'Disk', -1, i === 3 ? 'error' : 'ok'));
  return {
    nodes: [node(1, 'Pool', 0, 'error'), ...disks, node(500, 'Enclosure', -2), node(600, 'Lun', 1, 'error'), node(601, 'Lun', 1, 'error')],
    edges: [
      ...disks.map((d) => ({ parent: d.id, child: 1 })),
      ...disks.map((d) => ({ parent: 500, child: d.id })),
      { parent: 1, child: 600 },
      { parent: 1, child: 601 },
    ],
    truncated: false,
  };
}

describe('collapse', () => {
  it('leaves a small graph as it is', () => {
    const { items, links } = collapse(pool(5), 1, new Map());
    expect(items.every((i) => i.kind === 'resource')).toBe(true);
    expect(links).toHaveLength(12);
  });

  it('folds a fan but leaves the sick ones above the start in sight', () => {
    const { items, links } = collapse(pool(10), 1, new Map());
    const group = items.find((i) => i.kind === 'group');
    expect(group).toMatchObject({ class: 'acme.Disk', depth: -1, count: 9, health: 'ok', sick: 0 });
    expect(items.map((i) => i.key)).toEqual(expect.arrayContaining(['1', '103', '500', '600', '601']));
    expect(links).toContainEqual({ source: '103', target: '1', health: 'error' });
    expect(links).toContainEqual({ source: group?.key, target: '1', health: 'ok' });
    expect(links).toContainEqual({ source: '500', target: group?.key, health: 'ok' });
    expect(links).toHaveLength(6);
  });

  it('brings members out when asked, and never leaves a group of one', () => {
    const key = '-1 acme.Disk';
    const some = collapse(pool(100), 1, new Map([[key, unfoldBy]]));
    expect(some.items.filter((i) => i.kind === 'resource' && i.node.class === 'Disk')).toHaveLength(unfoldBy);
    const all = collapse(pool(41), 1, new Map([[key, unfoldBy]]));
    expect(all.items.some((i) => i.kind === 'group')).toBe(false);
  });

  it('folds sick ones below the start, and says how sick they are', () => {
    const many: Schema['Graph'] = {
      nodes: [node(1, 'Pool', 0, 'warning'), ...Array.from({ length: 20 }, (_, i) => node(10 + i, 'Lun', 1, 'warning'))],
      edges: Array.from({ length: 20 }, (_, i) => ({ parent: 1, child: 10 + i })),
      truncated: false,
    };
    const { items, links } = collapse(many, 1, new Map());
    expect(items).toHaveLength(2);
    expect(items[1]).toMatchObject({ kind: 'group', health: 'warning', sick: 20 });
    expect(links).toEqual([{ source: '1', target: '1 acme.Lun', health: 'warning' }]);
  });
});

describe('branches', () => {
  it('lists each resource once, the sick ones first', () => {
    const up = branches(pool(10), 1, 'up');
    expect(up).toHaveLength(10);
    expect(up[0]?.node.id).toBe(103);
    // The enclosure stands below one disk only.
    expect(up.flatMap((b) => b.branches).map((b) => b.node.id)).toEqual([500]);
    expect(branches(pool(10), 1, 'down').map((b) => b.node.id)).toEqual([600, 601]);
  });
});
