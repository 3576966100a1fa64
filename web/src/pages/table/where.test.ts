import { describe, expect, it } from 'vitest';
import { conditions, formatWhere, parseWhere, readTyped, typed } from './where';

describe('where', () => {
  it('survives the address', () => {
    const where = new Map([
      ['status', '=FAILED'],
      ['capacity', '>=10 TiB'],
      ['note', '~a;b\\c=d'],
    ]);
    expect(parseWhere(formatWhere(where))).toEqual(where);
    expect(formatWhere(new Map([['status', '=OK']]))).toBe('status=OK');
    expect(conditions(where)).toEqual(['status=FAILED', 'capacity>=10 TiB', 'note~a;b\\c=d']);
  });
  it('leaves out what is no condition', () => {
    expect(parseWhere('nothing;=x;!;a=1;')).toEqual(new Map([['a', '=1']]));
    expect(parseWhere(undefined).size).toBe(0);
  });
});

describe('what is typed', () => {
  it('needs no sign where the usual one is meant', () => {
    expect(readTyped('wd', 'string')).toEqual({ condition: '~wd' });
    expect(readTyped('=WD1', 'string')).toEqual({ condition: '=WD1' });
    expect(readTyped('12', 'integer')).toEqual({ condition: '=12' });
    expect(readTyped(' >= 10 tib', 'bytes')).toEqual({ condition: '>=10 tib' });
    expect(readTyped('', 'string')).toEqual({});
    expect(readTyped('=', 'integer')).toEqual({ condition: '=' });
  });
  it('is refused if it makes no sense', () => {
    expect(readTyped('ten', 'integer').error).toBeDefined();
    expect(readTyped('> a', 'string').error).toBeDefined();
    expect(readTyped('>', 'bytes').error).toBeDefined();
  });
  it('is shown as it was typed', () => {
    expect(typed('~wd', 'string')).toBe('wd');
    expect(typed('=WD1', 'string')).toBe('=WD1');
    expect(typed('=12', 'integer')).toBe('12');
    expect(typed('>=10 TiB', 'bytes')).toBe('>=10 TiB');
    expect(typed(undefined, 'string')).toBe('');
  });
});
