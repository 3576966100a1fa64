import { expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { changesOf } from './changes';

const alert = (id: number, began: string, ended: string | null): Schema['Alert'] => ({
  id,
  resource: id,
  resource_name: `Disk ${id}`,
  plugin: 'acme',
  class: 'Disk',
  condition: 'status',
  attribute: 'status',
  severity: 'error',
  message: 'Disk failure',
  text: 'Disk failure',
  active: ended === null,
  since: began,
  began,
  ended,
  affected: { counts: {}, filesystems: [] },
  acknowledged: null,
});

it('tells beginnings and ends of the time, each once, the latest first', () => {
  const both = alert(1, '2026-03-05T10:00:00Z', '2026-03-05T11:00:00Z');
  const list = [both, alert(2, '2026-03-05T10:30:00Z', null), alert(3, '2026-03-01T00:00:00Z', '2026-03-05T09:00:00Z'), alert(4, '2026-03-01T00:00:00Z', null), both];
  expect(changesOf(list, Date.parse('2026-03-04T12:00:00Z')).map((c) => c.key)).toEqual(['1 ended', '2 began', '1 began', '3 ended']);
});
