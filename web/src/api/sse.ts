/** One message of a server-sent event stream. */
export interface ServerEvent {
  /** The event's type; `message` if the stream does not say. */
  event: string;
  data: string;
  /** The last id that the stream gave, or empty. */
  id: string;
}

/**
 * Takes an event stream apart as the HTML standard lays down (section
 * "Interpreting an event stream"). The browser's own EventSource cannot send
 * an Authorization header, so we read the stream with fetch.
 */
export class EventStreamParser {
  /** The server's wish for the time between tries, in milliseconds. */
  retry: number | undefined;
  private rest = '';
  private skipLineFeed = false;
  private started = false;
  private event = '';
  private data: string[] = [];
  private id = '';

  /** Takes the next piece of text and returns the messages it completes. */
  push(text: string): ServerEvent[] {
    if (!this.started && text !== '') {
      this.started = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    const out: ServerEvent[] = [];
    // A line ends with CR LF, LF or CR. CR and LF may come in different pieces.
    if (this.skipLineFeed && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1);
      this.skipLineFeed = false;
    }
    const all = this.rest + text;
    let start = 0;
    for (let i = this.rest.length; i < all.length; i++) {
      const c = all.charCodeAt(i);
      if (c !== 10 && c !== 13) continue;
      this.line(all.slice(start, i), out);
      if (c === 13) {
        if (i + 1 === all.length) this.skipLineFeed = true;
        else if (all.charCodeAt(i + 1) === 10) i++;
      }
      start = i + 1;
    }
    this.rest = all.slice(start);
    return out;
  }

  private line(line: string, out: ServerEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) {
        out.push({ event: this.event === '' ? 'message' : this.event, data: this.data.join('\n'), id: this.id });
      }
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, which keeps the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    switch (field) {
      case 'event':
        this.event = value;
        break;
      case 'data':
        this.data.push(value);
        break;
      case 'id':
        if (!value.includes('\0')) this.id = value;
        break;
      case 'retry':
        if (/^\d+$/.test(value)) this.retry = Number(value);
        break;
    }
  }
}
