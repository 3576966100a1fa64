// The host's side of the conversation, for tests.

import { spawn } from 'node:child_process';

export class Host {
  constructor(path, name, env = {}) {
    this.process = spawn(process.execPath, [path], {
      stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, FAULTLINE_PLUGIN: name, ...env },
    });
    // A plugin that keeps silent ends its test, not the patience of all.
    const patience = setTimeout(() => this.process.kill('SIGKILL'), 60_000);
    this.stderr = '';
    this.process.stderr.on('data', (chunk) => { this.stderr += chunk; });
    this.exited = new Promise((resolve) => { this.process.on('exit', (status, signal) => resolve(status ?? signal)); });
    this.exited.then(() => clearTimeout(patience));
    this.messages = messages(this.process.stdout);
    this.calls = 0;
  }

  write(line) { this.process.stdin.write(`${line}\n`); }

  // next returns the next message that may not stand anywhere, or undefined at the end.
  async next() {
    for (;;) {
      const { value, done } = await this.messages.next();
      if (done) return undefined;
      if (!isFree(value)) return value;
    }
  }

  // call returns the answer, and what came before it.
  async call(method, params = {}) {
    const id = ++this.calls, before = [];
    this.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error(`the plugin ended: ${this.stderr}`);
      if (message.id === id) return { ...message, before };
      before.push(message);
    }
  }

  initialize() { return this.call('initialize', { protocol: { min: 1, max: 1 }, host: { name: 'test' } }); }

  // close ends the conversation and returns the exit status.
  close() {
    this.process.stdin.end();
    return this.exited;
  }
}

export function isFree({ method = '', params }) {
  return method.startsWith('x-grease-') || (method === 'log' && params.source === 'stderr');
}

// messages splits at line feeds only; readline would split at U+2028 too.
async function* messages(stream) {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      yield JSON.parse(rest.subarray(0, at).toString());
      rest = rest.subarray(at + 1);
    }
  }
}
