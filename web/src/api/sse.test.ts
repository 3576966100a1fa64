import { describe, expect, it } from 'vitest';
import { EventStreamParser, type ServerEvent } from './sse';

function parse(...pieces: string[]): ServerEvent[] {
  const parser = new EventStreamParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

describe('EventStreamParser', () => {
  it('reads type, data and id', () => {
    expect(parse('event: alerts\nid: 7\ndata: {"a":1}\n\n')).toEqual([{ event: 'alerts', id: '7', data: '{"a":1}' }]);
  });

  it('joins data lines and defaults the type', () => {
    expect(parse('data: one\ndata:two\ndata\n\n')).toEqual([{ event: 'message', id: '', data: 'one\ntwo\n' }]);
  });

  it('keeps the id for later messages but not the type', () => {
    expect(parse('id: 3\nevent: x\ndata: a\n\ndata: b\n\n')).toEqual([
      { event: 'x', id: '3', data: 'a' },
      { event: 'message', id: '3', data: 'b' },
    ]);
  });

  it('gives nothing for comments, unknown fields and messages without data', () => {
    expect(parse(': hello\n\nevent: x\n\nfoo: bar\n\n')).toEqual([]);
  });

  it('drops a message that the end of the stream cuts off', () => {
    expect(parse('data: a\n\ndata: b\n')).toHaveLength(1);
  });

  it('takes the wish for a retry time', () => {
    const parser = new EventStreamParser();
    parser.push('retry: 250\nretry: soon\n');
    expect(parser.retry).toBe(250);
  });

  it('understands the three line ends and a byte order mark', () => {
    const want = [
      { event: 'message', id: '', data: 'a' },
      { event: 'message', id: '', data: 'b' },
    ];
    for (const end of ['\n', '\r\n', '\r']) {
      expect(parse(`\uFEFFdata: a${end}${end}data: b${end}${end}`)).toEqual(want);
    }
  });

  it('does not depend on how the stream is cut into pieces', () => {
    const text = ': hi\r\nevent: resources\r\nid: 12\r\ndata: {"s":"é…"}\r\ndata: 2\r\n\r\ndata: x\n\n\rdata: y\r\r';
    const want = parse(text);
    expect(want).toHaveLength(3);
    for (let i = 0; i <= text.length; i++) {
      for (let j = i; j <= text.length; j++) {
        expect(parse(text.slice(0, i), text.slice(i, j), text.slice(j))).toEqual(want);
      }
    }
  });
});
