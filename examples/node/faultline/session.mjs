// One session: the resources that a plugin reported for one root, and what
// changed of them since the last turn. Every assignment, report, removal and
// link leaves a note, so a turn costs what its changes cost. turn.mjs makes
// batches of the notes.

// A ValidationError is a value that breaks its attribute's rules.
export class ValidationError extends Error {
  constructor(text, attribute) {
    super(text);
    this.name = 'ValidationError';
    this.attribute = attribute;
  }
}

// The dirty state of a resource: null if the host knows all, NEW if it knows
// nothing, else a Map from what changed (a name, or PARENTS) to its old value.
export const NEW = Symbol('new');
export const PARENTS = Symbol('parents');

// A Removal is the note of a resource that the host knew.
export class Removal {
  constructor(handle, declared, key) { Object.assign(this, { handle, declared, key }); }
}

let serial = 0; // of resources, for keys: handles change when a resource is reported anew

// A Resource has one property for each attribute and statistic of its class.
class Resource {
  constructor(session, declared, handle, values) {
    Object.defineProperty(this, '$', { value: { session, declared, handle, values, serial: ++serial, parents: new Set(), dirty: NEW, label: undefined } });
  }

  // addParent says that a problem with parent is a problem with this resource.
  addParent(parent) { this.$.session?.link(this, parent, true); }
  removeParent(parent) { this.$.session?.link(this, parent, false); }
}

const types = new WeakMap(); // declared class → its subclass of Resource

function typeOf(declared) {
  let type = types.get(declared);
  if (type === undefined) {
    type = class extends Resource {};
    for (const name of Object.keys(declared.attributes)) {
      Object.defineProperty(type.prototype, name, {
        get() { return this.$.values[name] ?? null; },
        set(value) { assign(this, name, value); },
      });
    }
    for (const [name, { check }] of Object.entries(declared.statistics)) {
      Object.defineProperty(type.prototype, name, {
        set(value) { this.$.session?.sample(this, name, checked(declared, name, check, value)); },
      });
    }
    types.set(declared, type);
  }
  return type;
}

function assign(resource, name, value) {
  const { session, declared } = resource.$;
  const stored = checkedAttribute(declared, name, value);
  if (stored === resource[name]) return;
  if (session === null) throw new Error(`${describe(resource)} was removed; report it anew`);
  if (declared.identifier.attributes?.includes(name)) {
    throw new ValidationError(`${declared.name}.${name} identifies ${describe(resource)} and cannot change; remove the resource and report a new one`, name);
  }
  session.store(resource, name, stored, session.assigned);
}

function checked(declared, name, check, value) {
  try {
    return check(value);
  } catch (e) {
    throw new ValidationError(`${declared.name}.${name} = ${JSON.stringify(value)?.slice(0, 100)}: ${e.message}`, name);
  }
}

function checkedAttribute(declared, name, value) {
  const attribute = declared.attributes[name];
  if (attribute === undefined) throw new ValidationError(`${declared.name} declares no attribute ${name}`, name);
  if (value !== null && value !== undefined) {
    if (attribute.wire.kind !== 'reference') return checked(declared, name, attribute.check, value);
    if (!(value instanceof Resource)) throw new ValidationError(`${declared.name}.${name} must be a resource, as report returns it`, name);
    return value;
  }
  if (!attribute.wire.optional) throw new ValidationError(`${declared.name}.${name} is mandatory and cannot be null`, name);
  return null;
}

// complete fills defaults into the values of a class; missing mandatory values
// are a ValidationError.
export function complete(declared, values) {
  for (const [name, attribute] of Object.entries(declared.attributes)) {
    if (attribute.wire.optional || (values[name] ?? null) !== null) continue;
    const { fallback } = attribute;
    if (fallback === undefined) throw new ValidationError(`${declared.name}.${name} has no value, and it is mandatory`, name);
    values[name] = checkedAttribute(declared, name, typeof fallback === 'function' ? fallback(values) : fallback);
  }
  return values;
}

// describe names a resource for people.
export function describe(resource) {
  const { declared, values } = resource.$;
  const ids = (declared.identifier.attributes ?? []).map((n) => (values[n] instanceof Resource ? describe(values[n]) : values[n]));
  return `${declared.name} ${ids.join(' ')}`.trim();
}

export class Session {
  // attributes are the root's, as the host's store has them. log is what plugin
  // authors log with; wake is called when something changed outside a hook.
  constructor(id, declared, attributes, { log = null, wake = () => {} } = {}) {
    Object.assign(this, { id, log, wake });
    this.updatePeriod = undefined; // seconds between update scans; set it in the initial scan
    this.turns = 0; // sent so far
    this.handles = 0;
    this.inHook = false;
    // What happened in this turn, in order: resources that were reported, linked
    // or cleared of a reference, and each Removal.
    this.events = [];
    this.assigned = new Set(); // resources that were assigned to before anything else happened to them
    this.samples = [];
    this.gaps = [];
    this.index = new Map(); // declared class → key → resource
    this.holders = new Map(); // resource → Set of those that refer to it
    this.controller = new AbortController();
    const values = {};
    for (const [name, value] of Object.entries(attributes)) {
      // What a newer or older plugin stored may be unknown; references belong to other sessions.
      if (name in declared.attributes && !declared.references.includes(name) && value !== null) values[name] = checkedAttribute(declared, name, value);
    }
    complete({ ...declared, attributes: withoutReferences(declared) }, values);
    this.root = new (typeOf(declared))(this, declared, 0, values);
    this.root.$.dirty = null;
    this.indexOf(declared).set(this.keyOf(declared, values), this.root);
  }

  // signal ends with the session: give it to fetch, timers and the like.
  get signal() { return this.controller.signal; }

  // report reports a resource, new or known, with attributes, statistics and
  // parents, and returns it. A known one keeps what is not given.
  report(declared, given, parents = []) {
    const values = {}, samples = [];
    for (const [name, value] of Object.entries(given)) {
      const statistic = declared.statistics[name];
      if (statistic !== undefined) {
        samples.push([name, checked(declared, name, statistic.check, value)]);
      } else if ((value ?? null) !== null || declared.attributes[name]?.fallback === undefined) {
        values[name] = checkedAttribute(declared, name, value);
      }
    }
    for (const parent of parents) this.own(parent, 'a parent');
    for (const name of declared.references) if (values[name]) this.own(values[name], `${declared.name}.${name}`);
    const known = this.indexOf(declared).get(this.keyOf(declared, values));
    const resource = known ?? this.create(declared, complete(declared, values));
    if (known) for (const [name, value] of Object.entries(values)) if (value !== known[name]) this.store(known, name, value, this.events);
    for (const parent of parents) this.link(resource, parent, true);
    for (const [name, value] of samples) this.sample(resource, name, value);
    return resource;
  }

  // find returns the resources of a class that have the given values.
  find(declared, wanted = {}) {
    return [...this.indexOf(declared).values()].filter((r) => Object.entries(wanted).every(([name, value]) => r[name] === value));
  }

  // remove removes a resource. What refers to it by an optional attribute loses
  // the reference, what does by a mandatory one is removed too.
  remove(resource) {
    const { declared, values, handle } = resource.$;
    if (resource.$.session !== this) return;
    if (resource === this.root) throw new Error('a plugin cannot remove its root');
    const key = this.keyOf(declared, values);
    this.indexOf(declared).delete(key);
    resource.$.session = null;
    for (const holder of this.holders.get(resource) ?? []) this.release(holder, resource);
    this.holders.delete(resource);
    for (const name of declared.references) this.holders.get(values[name])?.delete(resource);
    if (resource.$.dirty !== NEW) this.events.push(new Removal(handle, declared, key));
    this.touched();
  }

  // incomplete says that a scan could not read everything; text is for people.
  incomplete(text) {
    this.log?.warning(`the scan is incomplete: ${text}`);
    if (this.turns === 0) this.gaps.push(text);
  }

  // The rest is for this library.

  indexOf(declared) {
    if (!this.index.has(declared)) this.index.set(declared, new Map());
    return this.index.get(declared);
  }

  keyOf(declared, values) {
    return JSON.stringify((declared.identifier.attributes ?? []).map((name) => {
      const value = values[name] ?? null;
      if (value === null && !declared.attributes[name].wire.optional) throw new ValidationError(`${declared.name}.${name} identifies the resource and has no value`, name);
      return value instanceof Resource ? { resource: value.$.serial } : value;
    }));
  }

  create(declared, values) {
    const resource = new (typeOf(declared))(this, declared, ++this.handles, values);
    this.indexOf(declared).set(this.keyOf(declared, values), resource);
    for (const name of declared.references) this.hold(resource, values[name]);
    this.events.push(resource);
    this.touched();
    return resource;
  }

  // store keeps a checked value and notes the old one, in assigned or events.
  store(resource, name, value, where) {
    if (value instanceof Resource) this.own(value, `${resource.$.declared.name}.${name}`);
    const old = resource[name];
    this.note(resource, name, old, where);
    resource.$.values[name] = value;
    if (old instanceof Resource && !resource.$.declared.references.some((n) => resource[n] === old)) this.holders.get(old)?.delete(resource);
    this.hold(resource, value);
  }

  hold(holder, target) {
    if (!(target instanceof Resource)) return;
    if (!this.holders.has(target)) this.holders.set(target, new Set());
    this.holders.get(target).add(holder);
  }

  release(holder, target) {
    const { declared, session } = holder.$;
    if (session !== this) return;
    const names = declared.references.filter((name) => holder[name] === target);
    if (holder !== this.root && names.some((name) => !declared.attributes[name].wire.optional)) this.remove(holder);
    else for (const name of names) this.store(holder, name, null, this.events);
  }

  link(resource, parent, present) {
    if (resource.$.session !== this) return;
    if (present) this.own(parent, 'a parent');
    const { parents } = resource.$;
    if (present === parents.has(parent)) return;
    this.note(resource, PARENTS, new Set(parents), this.events);
    if (present) parents.add(parent);
    else parents.delete(parent);
  }

  sample(resource, name, value) {
    this.samples.push({ resource, name, t: Date.now(), v: value });
    this.touched();
  }

  note(resource, name, old, where) {
    const state = resource.$;
    const add = () => (where === this.assigned ? where.add(resource) : where.push(resource));
    if (state.dirty === null) {
      state.dirty = new Map([[name, old]]);
      add();
    } else if (state.dirty !== NEW && !state.dirty.has(name)) {
      state.dirty.set(name, old);
      if (name === PARENTS) add(); // once more, if only its assignments are noted yet
    }
    this.touched();
  }

  own(resource, role) {
    if (!(resource instanceof Resource)) throw new TypeError(`${role} must be a resource, as report returns it`);
    if (resource.$.session !== this) throw new Error(`${role}, ${describe(resource)}, was removed or belongs to another session`);
  }

  touched() {
    if (!this.inHook && this.turns > 0) this.wake();
  }

  // reportAgain makes resources that the host deleted new to it (SPEC, section 5).
  reportAgain(handles) {
    const known = [...this.index.values()].flatMap((byKey) => [...byKey.values()]).filter((r) => r.$.dirty !== NEW).sort((a, b) => a.$.handle - b.$.handle);
    const lost = new Set(known.filter((r) => r !== this.root && handles.includes(r.$.handle)));
    for (const resource of lost) {
      resource.$.handle = ++this.handles;
      resource.$.dirty = NEW;
      this.events.push(resource);
    }
    for (const resource of known) if (!lost.has(resource)) this.forget(resource, lost);
    if (lost.size > 0) this.touched();
  }

  // forget notes that the host no longer knows what a resource has of the lost ones.
  forget(resource, lost) {
    const { parents, declared } = resource.$;
    const dirty = new Map(resource.$.dirty ?? []);
    const before = dirty.get(PARENTS) ?? parents;
    if ([...before].some((p) => lost.has(p))) dirty.set(PARENTS, new Set([...before].filter((p) => !lost.has(p))));
    for (const name of declared.references) if (lost.has(resource[name])) dirty.set(name, null);
    if (dirty.size === (resource.$.dirty?.size ?? 0) && dirty.get(PARENTS) === resource.$.dirty?.get(PARENTS)) return;
    resource.$.dirty = dirty;
    this.events.push(resource);
  }
}

function withoutReferences(declared) {
  return Object.fromEntries(Object.entries(declared.attributes).filter(([name]) => !declared.references.includes(name)));
}
