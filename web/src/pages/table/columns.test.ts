import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { classColumns } from './columns';
import { nextSort } from '../../ui/sort';

const attribute = (name: string, kind: Schema['Kind'], more: Partial<Schema['ClassAttribute']> = {}): Schema['ClassAttribute'] => ({
  name,
  kind,
  label: name,
  optional: false,
  hidden: false,
  user_read_only: false,
  identifying: false,
  default_computed: false,
  ...more,
});

const disk: Schema['Class'] = {
  plugin: 'acme',
  name: 'Disk',
  label: 'Disk',
  full: 'acme.Disk',
  bases: ['PhysicalDisk', 'Resource'],
  identifier: { scope: 'scoped', attributes: ['serial'] },
  scannable: false,
  root: false,
  attributes: [
    attribute('serial', 'string', { label: 'Serial number' }),
    attribute('secret', 'password'),
    attribute('firmware', 'string', { hidden: true }),
    attribute('capacity', 'bytes'),
  ],
  statistics: [
    { name: 'temperature', kind: 'gauge', label: 'Temperature', unit: 'C', sample_period: 10 },
    { name: 'io_size', kind: 'histogram', label: 'I/O size', unit: 'bytes', sample_period: 10, bins: [[0, 1]] },
  ],
  conditions: [],
  relations: [],
  charts: [],
  columns: ['capacity', 'serial', 'secret', 'firmware', 'gone'],
  count: 1,
};

describe('classColumns', () => {
  it('takes the declared columns in their order, without hidden ones and passwords', () => {
    expect(classColumns(disk).map((c) => c.id)).toEqual(['name', 'capacity', 'serial', 'temperature']);
  });
  it('tells an attribute from the field of the same name', () => {
    const odd = { ...disk, attributes: [attribute('name', 'string'), attribute('health', 'integer')], columns: ['name', 'health'], statistics: [] };
    expect(classColumns(odd).map((c) => [c.id, c.name])).toEqual([['name', 'name'], ['attribute.name', 'name'], ['attribute.health', 'health']]);
  });
  it('uses labels, and aligns numbers to the right', () => {
    const columns = classColumns(disk);
    expect(columns[1]).toMatchObject({ header: 'capacity', align: 'right', sortable: true });
    expect(columns[2]).toMatchObject({ header: 'Serial number', align: 'left' });
    expect(columns[3]).toMatchObject({ source: 'statistic', align: 'right', sortable: false });
  });
});

it('nextSort goes from up over down to none', () => {
  expect(nextSort(undefined, 'a')).toBe('a');
  expect(nextSort('a', 'a')).toBe('-a');
  expect(nextSort('-a', 'a')).toBeUndefined();
  expect(nextSort('-b', 'a')).toBe('a');
});
