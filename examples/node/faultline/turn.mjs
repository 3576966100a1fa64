// From the notes of a session to the batches of one turn (protocol/SPEC.md,
// section 5).

import { NEW, PARENTS, Removal, describe } from './session.mjs';

export const maxLine = 16 << 20; // bytes in one message, a limit of the protocol
const wantedLine = 1 << 20;

// collect takes what changed out of a session and returns the batches of its
// turn: none if nothing changed and the turn is not the first. failed says that
// the hook failed: what it changed is kept, what it removed is not.
export function collect(session, { failed = false } = {}) {
  const first = session.turns === 0;
  if (failed) undoRemovals(session);
  const { assigned, events, samples } = session;
  session.assigned = new Set();
  session.events = [];
  session.samples = [];
  const ops = [];
  // Plain assignments come first, by handle; then the rest in the order of the calls.
  for (const resource of [...assigned].sort((a, b) => a.$.handle - b.$.handle)) assignments(session, resource, ops);
  for (const event of events) {
    if (!(event instanceof Removal)) changes(session, event, ops);
    else if (!failed) ops.push({ op: 'remove', h: event.handle });
  }
  const values = samples.filter(({ resource }) => resource.$.session === session)
    .map(({ resource, name, t, v }) => ({ h: resource.$.handle, name, t, v }));
  if (ops.length === 0 && values.length === 0 && !first) return [];
  session.turns++;
  return batches(session, ops, values, first && session.gaps.length === 0);
}

function assignments(session, resource, ops) {
  const state = resource.$;
  if (state.session !== session || !(state.dirty instanceof Map)) return;
  const { dirty } = state;
  // A change of its parents stands in events, where its place in the order is.
  state.dirty = dirty.has(PARENTS) ? new Map([[PARENTS, dirty.get(PARENTS)]]) : null;
  set(session, resource, dirty, ops);
}

function changes(session, resource, ops) {
  const state = resource.$;
  if (state.session !== session || state.dirty === null) return;
  const { dirty } = state;
  state.dirty = null;
  if (dirty === NEW) {
    put(session, resource, ops);
    return;
  }
  set(session, resource, dirty, ops);
  if (dirty.has(PARENTS)) link(session, resource, dirty.get(PARENTS), ops);
}

const onWire = (value) => (value?.$ === undefined ? value : { $ref: value.$.handle });

function put(session, resource, ops) {
  const { declared, handle, values, parents } = resource.$;
  const op = { op: 'put', h: handle, class: declared.name, attributes: {} };
  for (const name of Object.keys(declared.attributes)) if ((values[name] ?? null) !== null) op.attributes[name] = onWire(values[name]);
  const label = labelOf(session, resource);
  if (label !== undefined) op.label = label;
  const present = [...parents].filter((p) => p.$.session === session);
  if (present.length > 0) op.parents = present.map((p) => p.$.handle);
  ops.push(op);
}

function set(session, resource, dirty, ops) {
  const op = { op: 'set', h: resource.$.handle, attributes: {} };
  for (const [name, old] of dirty) if (name !== PARENTS && (old === NEW || resource[name] !== old)) op.attributes[name] = onWire(resource[name]);
  if (Object.keys(op.attributes).length === 0) return;
  const before = resource.$.label, label = labelOf(session, resource);
  if (label !== before) op.label = label;
  ops.push(op);
}

function link(session, resource, before, ops) {
  const { handle, parents } = resource.$;
  const here = (p) => p.$.session === session;
  const add = [...parents].filter((p) => here(p) && !before.has(p)), remove = [...before].filter((p) => here(p) && !parents.has(p));
  const op = { op: 'link', h: handle };
  if (add.length > 0) op.add = add.map((p) => p.$.handle);
  if (remove.length > 0) op.remove = remove.map((p) => p.$.handle);
  if (op.add || op.remove) ops.push(op);
}

// labelOf returns the author's label, which is remembered as the one last sent.
// A function that fails leaves the label to the host.
function labelOf(session, resource) {
  const state = resource.$;
  if (state.declared.getLabel === undefined) return undefined;
  try {
    state.label = String(state.declared.getLabel(resource));
  } catch (e) {
    session.log?.error(`the label of ${describe(resource)} failed: ${e.message}`);
  }
  return state.label;
}

// undoRemovals makes what was removed and reported again a change of the
// resource that the host has: it would else see two of one identity.
function undoRemovals(session) {
  const removed = session.events.filter((e) => e instanceof Removal);
  for (const resource of session.events) {
    if (resource instanceof Removal || resource.$.dirty !== NEW || resource.$.session !== session) continue;
    const { declared, values } = resource.$;
    const key = session.keyOf(declared, values);
    const old = removed.find((e) => e.declared === declared && e.key === key);
    if (old === undefined) continue;
    resource.$.handle = old.handle;
    const changed = Object.keys(declared.attributes).filter((n) => !declared.identifier.attributes?.includes(n));
    resource.$.dirty = new Map([...changed.map((n) => [n, NEW]), [PARENTS, new Set()]]);
  }
}

// batches cuts a turn into parts of about 1 MiB and returns them encoded.
function batches(session, ops, samples, complete) {
  const parts = [];
  let part, size;
  const open = () => {
    part = { ops: [], samples: [] };
    parts.push(part);
    size = 0;
  };
  open();
  for (const [list, items] of [['ops', ops], ['samples', samples]]) {
    for (const item of items) {
      const text = JSON.stringify(item);
      if (Buffer.byteLength(text) > maxLine - 4096) throw new Error(`the values of one resource (handle ${item.h}) make a message of more than 16 MiB`);
      if (size > 0 && size + text.length > wantedLine) open();
      part[list].push(text);
      size += text.length;
    }
  }
  return parts.map((p, i) => {
    const head = { session: session.id, turn: session.turns, part: i };
    if (i === parts.length - 1) head.last = true;
    if (complete) head.complete = true;
    const lists = ['ops', 'samples'].filter((n) => p[n].length > 0).map((n) => `,"${n}":[${p[n].join(',')}]`).join('');
    return `{"jsonrpc":"2.0","method":"session/batch","params":${JSON.stringify(head).slice(0, -1)}${lists}}}`;
  });
}
