import { describe, expect, it } from 'vitest';
import { binLabel } from './bins';
import { csv } from './csv';
import { formatBytes, formatMeasure, formatNumber, formatShort } from './number';
import { sentence } from './text';
import { formatAgo, formatDuration, formatTimeShort } from './time';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [4 * 1024 ** 4, '4.0 TiB'],
    [2 * 1024 ** 6, '2.0 EiB'],
    [9000 * 1024 ** 6, '9000.0 EiB'],
    [-2048, '-2.0 KiB'],
    [0.5, '0.5 B'],
  ])('%d is %s', (n, want) => {
    expect(formatBytes(n)).toBe(want);
  });
});

describe('formatShort', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1k'],
    [1250, '1.2k'],
    [999_999, '999k'],
    [1_000_000, '1M'],
    [1_500_000, '1.5M'],
  ])('%d is %s', (n, want) => {
    expect(formatShort(n)).toBe(want);
  });
});

describe('formatMeasure', () => {
  it('knows bytes and rates of bytes, and leaves other units alone', () => {
    expect(formatMeasure(2048, 'bytes')).toBe('2.0 KiB');
    expect(formatMeasure(1048576, 'bytes/s')).toBe('1.0 MiB/s');
    expect(formatMeasure(41.5, 'C')).toBe('41.5 C');
    expect(formatMeasure(12, '%')).toBe('12 %');
    expect(formatMeasure(12, undefined)).toBe('12');
    expect(formatMeasure(12.5, '1/s')).toBe('12.5 /s');
  });
  it('keeps few digits', () => {
    expect(formatNumber(0.123456)).toBe('0.1235');
    expect(formatNumber(12.3456)).toBe('12.35');
    expect(formatNumber(Number.NaN)).toBe('–');
  });
});

describe('binLabel', () => {
  it('names bins as people say them', () => {
    expect(binLabel([0, 512], 'bytes')).toBe('up to 512 B');
    expect(binLabel([513, 4096], 'bytes')).toBe('513 B – 4 KiB');
    expect(binLabel([4097], 'bytes')).toBe('over 4 KiB');
    expect(binLabel([4096, 4096], 'bytes')).toBe('4 KiB');
    expect(binLabel([0], 'bytes')).toBe('any');
    expect(binLabel([11, 20], '')).toBe('11 – 20');
    expect(binLabel([11, 20], 'ms')).toBe('11 – 20 ms');
    expect(binLabel([21], 'ms')).toBe('over 20 ms');
    expect(binLabel([], 'bytes')).toBe('');
  });
});

describe('csv', () => {
  it('quotes what needs it, and lets no text become a formula', () => {
    expect(csv([['time', 'a,b', 'say "x"'], [1.5, -3, null]])).toBe('time,"a,b","say ""x"""\r\n1.5,-3,\r\n');
    for (const evil of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1']) {
      expect(csv([[evil]]).replace('"', '').charAt(0)).toBe("'");
    }
    expect(csv([['=HYPERLINK("http://x","y")']])).toBe('"\'=HYPERLINK(""http://x"",""y"")"\r\n');
  });
});

describe('times', () => {
  const now = Date.parse('2026-03-05T12:00:00Z');
  it('counts in two units', () => {
    expect(formatDuration(999)).toBe('0 s');
    expect(formatDuration(61_000)).toBe('1 min');
    expect(formatDuration(7_500_000)).toBe('2 h 5 min');
    expect(formatDuration(3 * 86_400_000 + 3_600_000)).toBe('3 d 1 h');
  });
  it('says how long ago and how soon', () => {
    expect(formatAgo('2026-03-05T11:59:58Z', now)).toBe('just now');
    expect(formatAgo('2026-03-05T11:57:00Z', now)).toBe('3 min ago');
    expect(formatAgo('2026-03-05T12:00:04Z', now)).toBe('in 4 s');
    expect(formatAgo('never', now)).toBe('never');
  });
  it("is in the reader's zone", () => {
    // 12:00 UTC is 13:00 in the zone of the tests (vite.config.ts).
    expect(formatTimeShort('2026-03-05T12:00:00Z', now)).toMatch(/^0?1:00:00\sPM$|^13:00:00$/);
    expect(formatTimeShort('2026-02-05T12:00:00Z', now)).toContain('Feb');
  });
});

it('makes a sentence of a part of one', () => {
  expect(sentence('no other host reaches the volume')).toBe('No other host reaches the volume.');
  expect(sentence('What now?')).toBe('What now?');
  expect(sentence('')).toBe('');
});
