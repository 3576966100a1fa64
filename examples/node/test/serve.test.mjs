// What the transcripts do not show: hooks that wait, the end of a conversation,
// declarations that are wrong, large turns.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { resourceClass, globalId, integer, scopedId, string, reference, gauge } from '../faultline/index.mjs';
import { Session } from '../faultline/session.mjs';
import { collect } from '../faultline/turn.mjs';
import { Host } from './host.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const Rack = resourceClass('Rack', { base: 'ScannableResource', identifier: globalId('name'), attributes: { name: string() } });
const Shelf = resourceClass('Shelf', { identifier: scopedId('number'), attributes: { number: integer(), note: string({ optional: true }) } });
const Bay = resourceClass('Bay', {
  identifier: scopedId('shelf', 'slot'),
  attributes: { shelf: reference(), slot: integer(), spare: reference({ optional: true }) },
  statistics: { temperature: gauge() },
});

const session = () => new Session('s', Rack, { name: 'r' });
const turn = (s, options) => collect(s, options).map((line) => JSON.parse(line).params);
const ops = (s, options) => turn(s, options).flatMap((batch) => batch.ops ?? []);

test('an equal report changes nothing', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1, note: 'x' });
  turn(s);
  assert.equal(s.report(Shelf, { number: 1, note: 'x' }), shelf);
  assert.deepEqual(turn(s), []);
  s.report(Shelf, { number: 1 }); // what is not given stays
  assert.deepEqual(turn(s), []);
  s.report(Shelf, { number: 1, note: null });
  assert.deepEqual(ops(s), [{ op: 'set', h: 1, attributes: { note: null } }]);
});

test('a value that was changed and changed back is no change', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1, note: 'x' });
  turn(s);
  shelf.note = 'y';
  shelf.note = 'x';
  assert.deepEqual(turn(s), []);
});

test('samples of a removed resource are not sent', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1 });
  const bay = s.report(Bay, { shelf, slot: 0 });
  turn(s);
  bay.temperature = 20;
  s.remove(shelf);
  const [batch] = turn(s);
  assert.deepEqual(batch.ops.map(({ op, h }) => [op, h]), [['remove', 2], ['remove', 1]]);
  assert.equal(batch.samples, undefined);
});

test('a failed update keeps one resource of an identity', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1, note: 'x' });
  turn(s);
  s.remove(shelf);
  s.report(Shelf, { number: 1, note: 'y' });
  assert.deepEqual(ops(s, { failed: true }), [{ op: 'set', h: 1, attributes: { note: 'y' } }]);
});

test('what the host deleted in a turn that runs is reported again in it', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1 });
  const bay = s.report(Bay, { shelf, slot: 0 }, [shelf]);
  turn(s);
  shelf.note = 'changed';
  s.reportAgain([1, 2]);
  s.remove(bay);
  assert.deepEqual(ops(s), [{ op: 'put', h: 3, class: 'Shelf', attributes: { number: 1, note: 'changed' } }]);
});

test('values are checked', () => {
  const s = session();
  const shelf = s.report(Shelf, { number: 1 });
  for (const wrong of [
    () => s.report(Shelf, { number: 'x' }), () => s.report(Shelf, { number: 2 ** 60 }), () => s.report(Shelf, { number: null }), () => s.report(Shelf, {}),
    () => s.report(Shelf, { number: 2, colour: 'red' }), () => s.report(Bay, { shelf: 'one', slot: 1 }), () => { shelf.number = 2; },
    () => { shelf.note = '\ud800'; }, () => shelf.addParent(session().root), () => s.remove(s.root),
  ]) assert.throws(wrong);
  assert.deepEqual(ops(s).map((op) => op.h), [1]);
});

test('a large turn is cut into parts', () => {
  const s = session();
  for (let i = 0; i < 3000; i++) s.report(Shelf, { number: i, note: 'x'.repeat(1000) });
  const parts = turn(s);
  assert.ok(parts.length > 2);
  assert.deepEqual(parts.map((p) => p.part), [...parts.keys()]);
  assert.deepEqual(parts.map((p) => p.last === true), parts.map((_, i) => i === parts.length - 1));
  assert.ok(parts.every((p) => p.complete && p.turn === 1));
  assert.equal(parts.flatMap((p) => p.ops).length, 3000);
});

test('all problems of the declarations at once, with their lines', async () => {
  const host = new Host(here('wrong.mjs'), 'wrong');
  const { error } = await host.initialize();
  assert.equal(error.code, -32005);
  assert.deepEqual(error.data.problems.map((p) => `${p.line} ${p.where} ${p.code}`), [
    '7 NoIdentifier FL210', '8 NoRoot FL217', '9 Scoped FL218', '10 Names FL206', '10 Names.serial FL213', '10 Names.count FL304',
    '10 Names.secret FL307', '10 Names.status FL403', '10 Names.heat FL401', '10 Names.status FL422', '10 Names.wwid FL432',
  ]);
  assert.ok(error.data.problems.every((p) => p.file.endsWith('/wrong.mjs')));
  assert.equal(await host.close(), 0);
});

test('a plugin that no host started says how to run it', () => {
  const run = spawnSync(process.execPath, [here('scripted.mjs')], { env: { PATH: process.env.PATH }, encoding: 'utf8' });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /faultline plugin run/);
  assert.equal(run.stdout, '');
});

test('lines that are no messages are answered, and harm nothing', async () => {
  const host = new Host(here('scripted.mjs'), 'scripted');
  host.write('no JSON');
  assert.equal((await host.next()).error.code, -32700);
  host.write('{"jsonrpc":"2.0","id":7}');
  assert.equal((await host.next()).error.code, -32600);
  host.write('{"jsonrpc":"2.0","id":7,"result":{}}');
  assert.equal((await host.initialize()).result.protocol, 1);
  assert.equal(await host.close(), 0);
});

// The array in this test takes requests and never answers.
test('the end of the host ends a scan that waits, and tears down', async (t) => {
  const { createServer } = await import('node:http');
  const asked = deferred();
  const slow = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  await new Promise((resolve) => { slow.once('listening', resolve); });
  t.after(() => {
    slow.closeAllConnections();
    slow.close();
  });
  for (const shutdown of [false, true]) {
    const host = new Host(here('../acme_node.mjs'), 'acme_node');
    await host.initialize();
    const url = `http://127.0.0.1:${slow.address().port}`;
    await host.call('session/open', { session: 's1', class: 'Array', attributes: { url } });
    const scan = host.call('session/initial_scan', { session: 's1' });
    await asked.promise;
    if (shutdown) host.write('{"jsonrpc":"2.0","id":99,"method":"shutdown","params":{}}');
    else host.process.stdin.end();
    assert.equal((await scan).error.code, -32001);
    if (shutdown) assert.deepEqual(await host.next(), { jsonrpc: '2.0', id: 99, result: {} });
    assert.equal(await host.exited, 0);
  }
});

function deferred() {
  const d = {};
  d.promise = new Promise((resolve) => { d.resolve = resolve; });
  return d;
}
