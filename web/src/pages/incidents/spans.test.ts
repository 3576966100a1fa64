import { describe, expect, it } from 'vitest';
import { scaleOf, spans, ticks, type TimelineAlert } from './spans';

let next = 1;
const alert = (more: Partial<TimelineAlert>): TimelineAlert => ({
  id: next++,
  resource: next,
  resource_name: `Lun ${next}`,
  plugin: 'acme',
  class: 'Lun',
  condition: 'path',
  severity: 'warning',
  message: 'Path lost',
  began: '2026-03-05T11:10:00Z',
  ended: null,
  acknowledged: null,
  ...more,
});

describe('spans', () => {
  it('puts the first to begin on top, and the worse of two that began together', () => {
    const rows = spans([
      alert({ message: 'late', began: '2026-03-05T11:20:00Z', condition: 'c' }),
      alert({ message: 'mild', condition: 'a' }),
      alert({ message: 'bad', severity: 'error', condition: 'b' }),
    ]);
    expect(rows.map((r) => r.alert.message)).toEqual(['bad', 'mild', 'late']);
  });

  it('makes one row of many alerts of a kind', () => {
    const ack = { user: 'kim', comment: 'on it', time: '2026-03-05T11:30:00Z' };
    const many = Array.from({ length: 5 }, (_, i) => alert({ began: `2026-03-05T11:1${i}:00Z`, ended: i < 4 ? `2026-03-05T11:4${i}:00Z` : null, acknowledged: i > 2 ? ack : null }));
    const [row, ...others] = spans(many);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ count: 5, active: 1, ended: undefined, began: Date.parse('2026-03-05T11:10:00Z') });
    expect(row?.acknowledged).toEqual([{ ...ack, time: Date.parse(ack.time) }]);
    const [over] = spans(many.map((a) => ({ ...a, ended: a.ended ?? '2026-03-05T11:50:00Z' })));
    expect(over).toMatchObject({ active: 0, ended: Date.parse('2026-03-05T11:50:00Z') });
    expect(spans(many.slice(0, 3))).toHaveLength(3);
    expect(spans([])).toEqual([]);
  });
});

describe('the scale', () => {
  it('reaches from a little before the first beginning to now', () => {
    const now = Date.parse('2026-03-05T12:00:00Z');
    const { at, from } = scaleOf(spans([alert({ began: '2026-03-05T11:00:00Z' })]), now);
    expect(at(now)).toBe(1);
    expect(at(from - 1)).toBe(0);
    expect(at(Date.parse('2026-03-05T11:00:00Z'))).toBeGreaterThan(0.03);
    expect(at(Date.parse('2026-03-05T11:00:00Z'))).toBeLessThan(0.05);
  });

  it("has round times of the reader's clock", () => {
    const iso = (list: number[]) => list.map((t) => new Date(t).toISOString().slice(11, 16));
    expect(iso(ticks(Date.parse('2026-03-05T11:03:00Z'), Date.parse('2026-03-05T12:00:00Z')))).toEqual(['11:15', '11:30', '11:45', '12:00']);
    // Midnight in the zone of the tests (Europe/Paris) is 23:00 UTC.
    expect(iso(ticks(Date.parse('2026-03-01T11:00:00Z'), Date.parse('2026-03-05T12:00:00Z')))).toEqual(['23:00', '23:00', '23:00', '23:00']);
    expect(ticks(0, 400 * 86_400_000).length).toBeLessThanOrEqual(6);
  });
});
