import { expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { affectedTotal } from '../../format/alert';

const alert: Schema['Alert'] = {
  id: 1,
  resource: 7,
  resource_name: 'Disk WD1X',
  plugin: 'acme',
  class: 'Disk',
  condition: 'status',
  attribute: 'status',
  severity: 'error',
  message: 'Disk failure',
  text: 'Disk failure (Acme disk, Disk WD1X)',
  active: true,
  since: '2026-03-05T11:00:00Z',
  began: '2026-03-05T11:00:00Z',
  ended: null,
  affected: { counts: { 'acme.Pool': 1, 'acme.Lun': 2 }, filesystems: [{ id: 9, plugin: 'lustre', class: 'FileSystem', name: 'scratch' }] },
  acknowledged: null,
};

it('affectedTotal sums all classes', () => {
  expect(affectedTotal(alert.affected.counts)).toBe(3);
});
