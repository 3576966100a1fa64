#!/usr/bin/env node
// The smallest plugin: one root class, one resource, no updates.
import { createInterface } from 'node:readline';

const classes = [
  { name: 'Shelf', bases: ['ScannableResource', 'Resource'], identifier: { scope: 'global', attributes: ['address'] },
    attributes: [{ name: 'address', kind: 'hostname' }] },
  { name: 'Fan', bases: ['Fan', 'Resource'], identifier: { scope: 'scoped', attributes: ['number'] },
    attributes: [{ name: 'number', kind: 'integer' }, { name: 'status', kind: 'enum', options: ['OK', 'FAILED'] }],
    alert_conditions: [{ kind: 'value', attribute: 'status', error_states: ['FAILED'], message: 'Fan failure' }] },
];

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

const answers = {
  initialize: () => ({
    protocol: 1, plugin: { name: process.env.FAULTLINE_PLUGIN }, sdk: { name: 'none' }, manifest: { api_version: 1, classes },
  }),
  'session/open': () => ({}),
  'session/initial_scan': ({ session }) => {
    const fan = { op: 'put', h: 1, class: 'Fan', attributes: { number: 1, status: 'OK' } };
    send({ method: 'session/batch', params: { session, turn: 1, part: 0, last: true, complete: true, ops: [fan] } });
    return { turn: 1 };
  },
  'session/teardown': () => ({}),
  shutdown: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue; // a notification
  if (answers[method]) send({ id, result: answers[method](params) });
  else send({ id, error: { code: -32601, message: `no method ${method}` } });
  if (method === 'shutdown') process.exit(0); // an open standard input would keep it alive
}
