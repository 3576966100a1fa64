// The conversation with the host: JSON-RPC 2.0, one message a line, over standard
// input and output (protocol/SPEC.md).

import { randomBytes } from 'node:crypto';

import { manifest } from './declare.mjs';
import { Session, ValidationError, complete } from './session.mjs';
import { collect } from './turn.mjs';

const protocol = { min: 1, max: 1 }; // versions that this library speaks
const levels = ['debug', 'info', 'warning', 'error'];
const endWithin = 4500; // milliseconds for all teardowns after the host is gone; the protocol allows 5 s

const parseError = -32700, invalidRequest = -32600, methodNotFound = -32601, invalidParams = -32602;
const hookFailed = -32001, unknownSession = -32002, badState = -32003, badVersion = -32004, badPlugin = -32005, invalidValue = -32006;

// An RpcError is an error answer.
class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    Object.assign(this, { code, data });
  }
}

// hookError is the answer for what the author's code threw.
function hookError(e) {
  if (e instanceof RpcError) return e;
  const error = e instanceof Error ? e : new Error(String(e));
  const data = { kind: error.name, detail: error.stack };
  // fetch keeps what really happened in the cause.
  const text = error.message === 'fetch failed' && error.cause ? `${error.message}: ${error.cause.message}` : error.message;
  if (error instanceof ValidationError) data.attribute = error.attribute;
  return new RpcError(error instanceof ValidationError ? invalidValue : hookFailed, text.trim().split('\n')[0] || error.name, data);
}

// serve runs a plugin until the host is gone. definition has version, classes
// (a list of resourceClass) and plugin: a class that is constructed with the
// session and its root, and has initialScan, and may have updateScan, teardown,
// agentStart(hostId, data) and agentContinue(hostId, data), async or not.
export function serve(definition) {
  const name = process.env.FAULTLINE_PLUGIN;
  if (name === undefined) {
    process.stderr.write(`${process.argv[1]} is a Faultline plugin. Run it with: faultline plugin run ${process.argv[1]}\n`);
    process.exit(2);
  }
  new Server(name, definition).run();
}

class Server {
  constructor(name, definition) {
    Object.assign(this, { name, definition, initialized: false });
    this.sessions = new Map(); // id → { session, plugin, tail, state }
    this.classes = new Map(definition.classes.map((c) => [c.name, c]));
    this.setLevel(process.env.FAULTLINE_LOG_LEVEL);
    this.write = protectStdout((text) => this.log('warning', 'stdout', text));
  }

  run() {
    let rest = [];
    // Not readline, for which U+2028 ends a line too.
    process.stdin.on('data', (chunk) => {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        this.line(Buffer.concat([...rest, chunk.subarray(from, at)]).toString());
        rest = [];
        from = at + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
    });
    process.stdin.on('end', () => this.end());
  }

  async end() {
    setTimeout(() => process.exit(1), endWithin).unref();
    await this.teardownAll();
    process.exit(0);
  }

  send(message) { this.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`); }

  // grease keeps hosts from relying on a fixed list of notifications.
  grease() { this.send({ method: `x-grease-${randomBytes(3).toString('hex').replace(/[0-9]/g, 'z')}`, params: { n: Date.now() } }); }

  setLevel(name) { this.level = levels.includes(name) ? levels.indexOf(name) : levels.indexOf('warning'); }

  log(level, source, message, { session, fields } = {}) {
    if (levels.indexOf(level) < this.level) return;
    const record = { level, t: Date.now(), source, message };
    if (session !== undefined) record.session = session;
    if (fields !== undefined) record.fields = fields;
    this.send({ method: 'log', params: record });
  }

  line(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch (e) {
      this.send({ id: null, error: { code: parseError, message: `no JSON: ${e.message}` } });
      return;
    }
    const { id, method, params } = message ?? {};
    if (typeof method !== 'string') {
      // The plugin makes no calls, so what looks like an answer belongs to nobody.
      if (message?.result === undefined && message?.error === undefined) this.send({ id: id ?? null, error: { code: invalidRequest, message: 'a message needs a method' } });
      return;
    }
    if (id === undefined) {
      this.notified(method, params ?? {});
      return;
    }
    this.call(method, params ?? {}).then(
      (result) => this.send({ id, result }),
      (e) => {
        const { code, message: why, data } = hookError(e);
        this.send({ id, error: { code, message: why, data } });
      },
    ).then(() => {
      if (method === 'initialize' || Math.random() < 0.02) this.grease();
      if (method === 'shutdown') this.write('', () => process.exit(0));
    });
  }

  notified(method, params) {
    if (method === 'log/level') this.setLevel(params.level);
    if (method !== 'session/deleted') return; // session/rejected needs no act: the host tears the session down
    const open = this.sessions.get(params.session);
    // Also while a hook runs: it is then a matter of that turn.
    if (open !== undefined && open.session.turns > 0) open.session.reportAgain(params.handles ?? []);
  }

  async call(method, params) {
    if (method === 'initialize') return this.initialize(params);
    if (!this.initialized) throw new RpcError(badState, 'initialize comes first');
    switch (method) {
      case 'encrypt': return this.encrypt(params);
      case 'defaults': return this.defaults(params);
      case 'session/open': return this.open(params);
      case 'session/initial_scan': return this.turn(params, 'new', (p) => p.initialScan());
      case 'session/update_scan': return this.turn(params, 'live', (p) => p.updateScan?.());
      case 'session/agent_start': return this.turn(params, 'new', (p) => agentHook(p, 'agentStart', params));
      case 'session/agent_continue': return this.turn(params, 'live', (p) => agentHook(p, 'agentContinue', params));
      case 'session/teardown': return this.teardown(this.sessions.get(params.session));
      case 'shutdown': return this.teardownAll();
      default: throw new RpcError(methodNotFound, `no method ${method}`);
    }
  }

  initialize({ protocol: host }) {
    if (this.initialized) throw new RpcError(badState, 'initialize was called before');
    const version = Math.min(protocol.max, host?.max);
    if (!(version >= Math.max(protocol.min, host?.min))) {
      throw new RpcError(badVersion, `the host speaks protocol versions ${host?.min} to ${host?.max}, this plugin ${protocol.min} to ${protocol.max}`);
    }
    const problems = this.definition.classes.flatMap((c) => c.problems);
    if (problems.length > 0) throw new RpcError(badPlugin, `${problems.length} problems in the declarations`, { problems });
    this.initialized = true;
    return {
      protocol: version, plugin: { name: this.name, version: this.definition.version },
      sdk: { name: 'node-example', version: '1.0' }, manifest: manifest(this.definition.classes),
    };
  }

  classNamed(name) {
    const declared = this.classes.get(name);
    if (declared === undefined) throw new RpcError(invalidParams, `the plugin declares no class ${name}`);
    return declared;
  }

  async encrypt({ class: name, attribute, value }) {
    const declared = this.classNamed(name).attributes[attribute];
    if (declared?.wire.kind !== 'password') throw new RpcError(invalidParams, `${name}.${attribute} is no password`);
    const hidden = await declared.encrypt(value);
    if (typeof hidden !== 'string') throw new Error(`what hides ${name}.${attribute} returned no string`);
    return { value: hidden };
  }

  defaults({ class: name, attributes }) {
    const out = {};
    for (const [attribute, { fallback }] of Object.entries(this.classNamed(name).attributes)) {
      if (fallback === undefined || (attributes?.[attribute] ?? null) !== null) continue;
      out[attribute] = typeof fallback === 'function' ? fallback({ ...attributes, ...out }) : fallback;
    }
    return { attributes: out };
  }

  open({ session: id, class: name, attributes }) {
    if (this.sessions.has(id)) throw new RpcError(badState, `session ${id} is open`);
    const declared = this.classNamed(name);
    if (!declared.isRoot) throw new RpcError(invalidParams, `${name} is no class of roots`);
    const log = Object.fromEntries(levels.map((level) => [level, (message, fields) => this.log(level, 'log', String(message), { session: id, fields })]));
    const open = { tail: Promise.resolve(), state: 'new' };
    let awake = false;
    const wake = () => {
      if (awake) return;
      awake = true;
      setImmediate(() => {
        awake = false;
        if (open.state === 'live' && !open.session.inHook) this.flush(open.session);
      });
    };
    open.session = new Session(id, declared, attributes ?? {}, { log, wake });
    open.plugin = new this.definition.plugin(open.session, open.session.root);
    this.sessions.set(id, open);
    return {};
  }

  // turn runs a hook and sends what it changed. Calls of one session come one at
  // a time by the host's promise; the chain keeps shutdown to it too.
  turn({ session: id }, state, hook) {
    const open = this.sessions.get(id);
    if (open === undefined) throw new RpcError(unknownSession, `no session ${id} is open`);
    if (open.state !== state) throw new RpcError(badState, state === 'new' ? `session ${id} was scanned before` : `session ${id} was not scanned yet`);
    const { session, plugin } = open;
    open.state = 'entered';
    return chain(open, async () => {
      if (session.turns > 0) this.flush(session); // what happened before the hook is no part of it
      session.inHook = true;
      try {
        await hook(plugin);
        const answer = { turn: this.flush(session) ? session.turns : 0 };
        if (state === 'new') Object.assign(answer, firstAnswer(session, plugin));
        open.state = 'live';
        return answer;
      } catch (e) {
        if (state === 'live') this.flush(session, { failed: true });
        if (state === 'live') open.state = 'live';
        throw e;
      } finally {
        session.inHook = false;
      }
    });
  }

  flush(session, options) {
    const lines = collect(session, options);
    if (lines.length > 0) this.write(lines.map((line) => `${line}\n`).join(''));
    return lines.length > 0;
  }

  teardown(open) {
    if (open === undefined) return {};
    this.sessions.delete(open.session.id);
    const entered = open.state !== 'new';
    open.session.controller.abort(new Error('the session ends'));
    return chain(open, async () => {
      open.state = 'ended';
      open.session.inHook = true; // nothing is sent any more
      if (entered) await open.plugin.teardown?.();
      return {};
    });
  }

  async teardownAll() {
    const results = await Promise.allSettled([...this.sessions.values()].map(async (open) => this.teardown(open)));
    for (const { reason } of results) if (reason) this.log('error', 'log', `teardown failed: ${reason.message}`);
    return {};
  }
}

// chain runs a task of a session after those before it.
function chain(open, task) {
  const result = open.tail.then(task);
  open.tail = result.catch(() => {});
  return result;
}

function firstAnswer(session, plugin) {
  const answer = { updates: typeof plugin.updateScan === 'function' };
  if (session.updatePeriod !== undefined) answer.update_period = session.updatePeriod;
  if (session.gaps.length > 0) answer.incomplete = session.gaps;
  return answer;
}

function agentHook(plugin, hook, { host_id: hostId, data }) {
  if (typeof plugin[hook] !== 'function') throw new Error(`the plugin takes no agent data: it has no ${hook}`);
  return plugin[hook](hostId, data);
}

// protectStdout keeps standard output for the protocol: what else is written to
// it, by console.log for example, goes to report, line by line. It returns the
// real write function. On POSIX systems writes to a pipe are synchronous, so a
// host that reads slowly slows the plugin down and takes no memory.
function protectStdout(report) {
  const real = process.stdout.write.bind(process.stdout);
  let rest = '';
  process.stdout.write = (chunk, encoding, done) => {
    const lines = (rest + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())).split('\n');
    rest = lines.pop();
    for (const line of lines) report(line);
    const callback = typeof encoding === 'function' ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  };
  process.on('exit', () => {
    if (rest !== '') report(rest);
  });
  return real;
}

