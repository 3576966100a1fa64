import { describe, expect, it } from 'vitest';
import type { Schema } from '../api/client';
import { formatOpen, layerRows, pageOf, pageSize, parseOpen, toItems, withGroup } from './layers';

const node = (id: number, cls: string, depth: number, health: Schema['Severity'] = 'ok'): Schema['Node'] => ({
  id,
  plugin: 'acme',
  class: cls,
  bases: [],
  name: `${cls} ${id}`,
  health,
  stale: false,
  depth,
});

const group = (depth: number, cls: string, more: Partial<Schema['LayerGroup']> = {}): Schema['LayerGroup'] => ({
  key: `${depth}:acme.${cls}`,
  depth,
  plugin: 'acme',
  class: cls,
  total: 12,
  first: -1,
  shown: 1,
  folded: 11,
  health: { ok: 9, info: 0, warning: 2, error: 0 },
  ...more,
});

/** A pool (1) on disk 7, which failed, and eleven others; below it two LUNs. */
const layers: Schema['Layers'] = {
  nodes: [node(1, 'Pool', 0, 'error'), node(7, 'Disk', -1, 'error'), node(8, 'Lun', 1, 'error'), node(9, 'Lun', 1, 'error')],
  groups: [group(-1, 'Disk'), group(2, 'Target', { first: 0, shown: 12, folded: 0, health: { ok: 0, info: 0, warning: 0, error: 0 } })],
  links: [
    { source: '-1:acme.Disk', target: '1', edges: 11, health: 'warning' },
    { source: '7', target: '1', edges: 1, health: 'error' },
    { source: '1', target: '8', edges: 1, health: 'error' },
    { source: '1', target: '9', edges: 1, health: 'error' },
  ],
  above: 12,
  below: 14,
  more: false,
};

describe('toItems', () => {
  it('draws resources, and the groups that have something folded', () => {
    const { items, links } = toItems(layers);
    expect(items.map((i) => i.key)).toEqual(['1', '7', '8', '9', '-1:acme.Disk']);
    expect(items[4]).toMatchObject({ kind: 'group', class: 'acme.Disk', count: 11, health: 'warning', sick: 2 });
    expect(links).toHaveLength(4);
  });
});

describe('open groups', () => {
  it('stand in the address and are read from it', () => {
    const open = parseOpen('-1:acme.Disk,2:acme.Target:40,nonsense,3:a:b:c,');
    expect([...open]).toEqual([
      ['-1:acme.Disk', 0],
      ['2:acme.Target', 40],
    ]);
    expect(formatOpen(open)).toEqual(['-1:acme.Disk', '2:acme.Target:40']);
    expect(formatOpen(withGroup(open, '-1:acme.Disk', undefined))).toEqual(['2:acme.Target:40']);
    expect(formatOpen(withGroup(open, '-1:acme.Disk', 80))).toEqual(['-1:acme.Disk:80', '2:acme.Target:40']);
    expect(parseOpen(undefined).size).toBe(0);
  });

  it('are paged', () => {
    expect(pageOf(group(1, 'Disk', { total: 100, first: 40, shown: 40, folded: 60 }))).toEqual({ from: 41, to: 80, previous: 0, next: 80 });
    expect(pageOf(group(1, 'Disk', { total: 100, first: 80, shown: 20, folded: 80 }))).toEqual({ from: 81, to: 100, previous: 80 - pageSize, next: undefined });
    expect(pageOf(group(1, 'Disk', { total: 12, first: 0, shown: 12, folded: 0 })).next).toBeUndefined();
  });
});

describe('layerRows', () => {
  it('orders layers from above to below, and says what each row hangs on, the sick first', () => {
    const rows = layerRows({
      ...layers,
      nodes: [...layers.nodes, node(20, 'Shelf', -2, 'ok'), node(21, 'Fan', -3, 'error')],
      links: [
        ...layers.links,
        { source: '20', target: '-1:acme.Disk', edges: 11, health: 'ok' },
        { source: '20', target: '7', edges: 1, health: 'ok' },
        { source: '21', target: '20', edges: 1, health: 'error' },
      ],
    });
    expect(rows.map((l) => [l.depth, l.rows.map((r) => `${r.key} < ${r.from.join('+')}`)])).toEqual([
      [-3, ['21 < 20']],
      [-2, ['20 < -1:acme.Disk+7']],
      [-1, ['7 < 1', '-1:acme.Disk < 1']],
      [0, ['1 < ']],
      [1, ['8 < 1', '9 < 1']],
      [2, ['2:acme.Target < ']],
    ]);
    expect(rows[2]?.rows[0]?.group?.key).toBe('-1:acme.Disk');
  });
});
