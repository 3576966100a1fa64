import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { automatic, changesOf, decisionOf, isDecided } from './decision';
import { groundName, haName } from './words';

const volume = (more: Partial<Schema['Volume']> = {}): Schema['Volume'] => ({
  id: 1,
  name: 'v',
  label: 'v',
  plugin: 'linux',
  class: 'ScsiDevice',
  kind: 'SCSI device',
  size: 1,
  filesystem_type: '',
  state: 'fine',
  state_why: '',
  health: 'ok',
  ha: 'ha',
  usable: true,
  used_by: [],
  detached: false,
  nodes: [],
  primary: { host: 'a', why: 'x' },
  secondary: { host: 'b', why: 'y' },
  unused: [],
  ...more,
});

describe('a decision about a volume', () => {
  it('tells what the server chose from what was decided', () => {
    expect(decisionOf(volume())).toEqual({ primary: null, secondary: null, unused: [] });
    expect(decisionOf(volume({ decided: { secondary: 'none', by: 'eva', time: '' }, unused: ['c', 'a'] }))).toEqual({ primary: null, secondary: 'none', unused: ['a', 'c'] });
  });

  it('sends only what is changed, so that nothing else counts as decided', () => {
    const before = decisionOf(volume({ unused: ['a'] }));
    expect(changesOf(before, { ...before })).toEqual({});
    expect(changesOf(before, { ...before, primary: 'b' })).toEqual({ primary: 'b' });
    expect(changesOf(before, { primary: null, secondary: 'none', unused: [] })).toEqual({ secondary: 'none', unused: [] });
    expect(changesOf({ ...before, primary: 'b' }, before)).toEqual({ primary: null });
  });

  it('is taken back as a whole', () => {
    expect(isDecided(decisionOf(volume()))).toBe(false);
    expect(isDecided(decisionOf(volume({ unused: ['a'] })))).toBe(true);
    expect(isDecided({ ...automatic })).toBe(false);
  });
});

it('has words for safety and grounds', () => {
  expect(haName('no-ha')).toBe('One host only');
  expect(groundName(undefined)).toBe('');
  expect(groundName('weight')).toBe('best path weight');
  expect(groundName('new ground')).toBe('new ground');
});
