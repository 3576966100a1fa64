import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { facts, itemKey, plainWords } from './history';

const at = '2026-03-01T12:00:00Z';
const words = (item: Partial<Schema['HistoryItem']>) => plainWords(facts({ time: at, kind: 'changed', resource: 4, ...item }, 4));
const attribute = (a: Partial<Schema['HistoryAttribute']>): Schema['HistoryAttribute'] => ({ name: 'status', label: 'Status', from: null, to: null, from_text: '', to_text: '', ...a });
const link = (id: number, gone?: boolean): Schema['HistoryLink'] => ({ id, plugin: 'acme', class: 'Disk', name: `Disk ${id}`, ...(gone === true ? { gone } : {}) });
const alert: Schema['TimelineAlert'] = {
  id: 7, resource: 4, resource_name: 'Disk 4', plugin: 'acme', class: 'Disk', condition: 'failure', severity: 'error', message: 'Disk failure',
  began: at, ended: '2026-03-01T12:15:00Z', acknowledged: { user: 'olga', comment: 'at noon', time: at },
};

describe('facts', () => {
  it('tells how attributes changed, and of a secret only that it did', () => {
    expect(
      words({
        attributes: [
          attribute({ from: 'OK', to: 'FAILED', from_text: 'OK', to_text: 'FAILED' }),
          attribute({ label: 'Raw size', to: 4, to_text: '4 B' }),
          attribute({ label: 'Owner', from: 'x', from_text: 'x' }),
          attribute({ label: 'Password', secret: true }),
        ],
      }),
    ).toBe('Status changed from OK to FAILED; Raw size set to 4 B; Owner taken away, was x; Password changed');
  });

  it('leads to what was linked, unless that is gone', () => {
    const list = facts(
      { time: at, kind: 'changed', resource: 4, parents: { added: [link(5)], removed: [link(6, true)], added_count: 1, removed_count: 1 }, children: { added: [link(8), link(9)], removed: [], added_count: 60, removed_count: 0 } },
      4,
    );
    expect(list[0]).toEqual(['Parent added: ', { id: 5, name: 'Disk 5' }]);
    expect(plainWords(list)).toBe('Parent added: Disk 5; Parent removed: Disk 6 (gone since); 60 children added: Disk 8, Disk 9 and 58 more');
  });

  it('tells names, sessions, beginnings and ends', () => {
    expect(words({ alias: { from: '', to: 'left' }, label: { from: 'a', to: 'b' } })).toBe('Label changed from a to b; Given the alias left');
    expect(words({ alias: { from: 'left', to: '' } })).toBe('Alias left taken back');
    expect(words({ alias: { from: 'left', to: 'right' } })).toBe('Alias changed from left to right');
    expect(words({ session: { offline: true, error: 'no route' } })).toBe('Went offline: no route');
    expect(words({ session: { offline: false, error: '' } })).toBe('Is online again');
    expect(words({ kind: 'created' })).toBe('Seen for the first time');
    expect(words({ kind: 'deleted', resource: 3 })).toBe('Deleted, as resource 3');
  });

  it('tells what happened to alerts', () => {
    expect(words({ kind: 'alert_began', alert })).toBe('Error began: Disk failure');
    expect(words({ kind: 'alert_ended', alert, time: '2026-03-01T12:15:00Z' })).toBe('Error ended after 15 min: Disk failure');
    expect(words({ kind: 'alert_acknowledged', alert })).toBe('Acknowledged by olga: Disk failure (at noon)');
  });
});

describe('itemKey', () => {
  it('tells the steps of an alert apart', () => {
    const item = { time: at, resource: 4, alert };
    expect(itemKey({ ...item, kind: 'alert_began' })).not.toBe(itemKey({ ...item, kind: 'alert_acknowledged' }));
    expect(itemKey({ ...item, kind: 'alert_began' })).not.toBe(itemKey({ ...item, kind: 'alert_began', alert: { ...alert, id: 8 } }));
  });
});
