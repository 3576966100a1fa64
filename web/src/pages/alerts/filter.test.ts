import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { affectedTotal, alertSubject } from '../../format/alert';
import { matches } from './filter';

const alert: Schema['Alert'] = {
  id: 1,
  resource: 7,
  plugin: 'acme',
  class: 'Disk',
  condition: 'status',
  attribute: 'status',
  severity: 'error',
  message: 'Disk failure',
  text: 'Disk failure (Acme disk, Disk WD1X)',
  active: true,
  began: '2026-03-05T11:00:00Z',
  ended: null,
  affected: { counts: { 'acme.Pool': 1, 'acme.Lun': 2 }, filesystems: [{ id: 9, plugin: 'lustre', class: 'FileSystem', name: 'scratch' }] },
  acknowledged: false,
};

describe('matches', () => {
  it('wants every word, in any case and anywhere', () => {
    expect(matches(alert, 'wd1x FAILURE')).toBe(true);
    expect(matches(alert, 'scratch')).toBe(true);
    expect(matches(alert, 'wd1x fan')).toBe(false);
  });
});

describe('alertSubject', () => {
  it('is the name in the text', () => {
    expect(alertSubject(alert)).toBe('Disk WD1X');
    expect(alertSubject({ message: 'Cannot be reached (no route)', text: 'Cannot be reached (no route) (Array, a, b (c))' })).toBe('a, b (c)');
  });
  it('falls back to the whole text', () => {
    expect(alertSubject({ message: '', text: 'Disk WD1X' })).toBe('Disk WD1X');
    expect(alertSubject({ message: 'a', text: 'a (b)' })).toBe('a (b)');
  });
});

it('affectedTotal sums all classes', () => {
  expect(affectedTotal(alert.affected.counts)).toBe(3);
});
