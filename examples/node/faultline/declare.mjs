// Declarations of resource classes, and the manifest that is made of them.

import { bytes, hostname, integer, path, reference, string } from './kinds.mjs';

// What the built-in base classes bring along (protocol/SPEC.md, section 9).
const logicalDrive = { size: bytes({ optional: true }), filesystem_type: string({ optional: true }) };
const baseAttributes = {
  LogicalDrive: logicalDrive,
  LogicalDriveSlice: logicalDrive,
  VirtualMachine: { address: hostname(), host_id: integer({ optional: true, readOnly: true, hidden: true }) },
  DeviceNode: { host_id: integer(), path: path(), logical_drive: reference({ optional: true }) },
  PathWeight: { weight: integer() },
};
const rootBases = ['ScannableResource', 'HostRoot'];
const plainBases = ['Resource', 'Host', 'Controller', 'Enclosure', 'Fan', 'PhysicalDisk', 'StoragePool', 'LogicalDriveOccupier'];

// Identifiers: unique in the whole system, unique below one root, or made by the
// server for each root that a user adds.
export const globalId = (...attributes) => ({ scope: 'global', attributes });
export const scopedId = (...attributes) => ({ scope: 'scoped', attributes });
export const autoId = () => ({ scope: 'auto' });

// Alert conditions. options has message, id and forSeconds, and for bounds
// errorClear, warnClear and infoClear.
export const valueCondition = (attribute, { error, warn, info, ...options }) =>
  condition('value', attribute, { error_states: error, warn_states: warn, info_states: info }, options);
export const upperBound = (attribute, { error, warn, info, ...options }) =>
  condition('upper_bound', attribute, { error_bound: error, warn_bound: warn, info_bound: info }, options);
export const lowerBound = (attribute, { error, warn, info, ...options }) =>
  condition('lower_bound', attribute, { error_bound: error, warn_bound: warn, info_bound: info }, options);

function condition(kind, attribute, limits, { message, id, forSeconds, errorClear, warnClear, infoClear }) {
  return withoutUndefined({
    id, kind, attribute, message, ...limits,
    error_clear: errorClear, warn_clear: warnClear, info_clear: infoClear, for_seconds: forSeconds,
  });
}

// Relations. The target is a declared class, the name of a built-in class, or
// ['plugin', 'Class'] of another plugin.
export const provide = (target, attributes, options) => relation('provide', target, attributes, options);
export const subscribe = (target, attributes, options) => relation('subscribe', target, attributes, options);

function relation(kind, target, attributes, { ignoreCase } = {}) {
  const [plugin, name] = Array.isArray(target) ? target : typeof target === 'string' ? ['builtin', target] : [undefined, target.name];
  return withoutUndefined({ kind, plugin, class: name, attributes, ignorecase: ignoreCase || undefined });
}

const withoutUndefined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

// resourceClass declares one class:
//
//   resourceClass('Disk', {
//     base: 'PhysicalDisk', identifier: scopedId('serial'), label: 'Disk',
//     attributes: { serial: string() }, statistics: { temperature: gauge({ unit: 'C' }) },
//     conditions: [...], charts: [{ title, series }], relations: [...],
//     getLabel: (disk) => disk.serial,
//   })
//
// What is wrong is not thrown but kept in problems: the handshake tells all at once.
export function resourceClass(name, { base = 'Resource', identifier, label, attributes = {}, statistics = {}, conditions = [], charts, relations = [], getLabel }) {
  const bases = { LogicalDriveSlice: ['LogicalDriveSlice', 'LogicalDrive', 'Resource'], Resource: ['Resource'] }[base] ?? [base, 'Resource'];
  const all = { ...baseAttributes[base], ...attributes };
  const members = Object.entries(all);
  const declared = {
    name, base, bases, identifier: identifier ?? { scope: '' }, label, statistics, conditions, charts, relations, getLabel,
    attributes: all,
    isRoot: rootBases.includes(base),
    references: members.filter(([, a]) => a.wire.kind === 'reference').map(([n]) => n),
  };
  const place = callerOf(resourceClass);
  declared.problems = problemsOf(declared).map(([code, member, text]) => ({ ...place, where: member ? `${name}.${member}` : name, text, code }));
  return declared;
}

// callerOf returns the file and line where a function of this module was called.
function callerOf(called) {
  const trace = {};
  Error.captureStackTrace(trace, called);
  const [, file, line] = /(?:file:\/\/)?(\/[^\n]*?):(\d+):\d+\)?(?:\n|$)/.exec(trace.stack) ?? [];
  return file ? { file: decodeURI(file), line: Number(line) } : {};
}

// problemsOf returns [code, member, text] for each mistake that can be seen in one
// class. docs/validation.md has the codes.
function problemsOf({ base, identifier, attributes, statistics, conditions, charts, relations, isRoot }) {
  const problems = [];
  const ids = identifier.attributes ?? [];
  if (![...plainBases, ...rootBases, ...Object.keys(baseAttributes)].includes(base)) problems.push(['FL206', '', `there is no base class ${base}`]);
  if (identifier.scope === '') problems.push(['FL210', '', 'the class needs an identifier: globalId, scopedId or autoId']);
  else if (identifier.scope !== 'auto' && ids.length === 0) problems.push(['FL212', '', 'the identifier names no attribute']);
  if (identifier.scope === 'auto' && !isRoot) problems.push(['FL217', '', 'autoId is for roots, which users add; use globalId or scopedId']);
  if (identifier.scope === 'scoped' && isRoot) problems.push(['FL218', '', 'a root is no part of another root; use globalId or autoId']);
  for (const id of ids) if (!(id in attributes)) problems.push(['FL213', id, 'the identifier names this attribute, which is not declared']);
  for (const [name, { wire, encrypt }] of Object.entries(attributes)) {
    if (name in statistics) problems.push(['FL313', name, 'is an attribute and a statistic']);
    if (wire.user_read_only && !wire.optional) problems.push(['FL304', name, 'what users cannot set must be optional']);
    if (wire.kind === 'password' && typeof encrypt !== 'function') problems.push(['FL307', name, 'a password needs a function that hides it']);
    if (wire.kind === 'enum' && !wire.options?.length) problems.push(['FL306', name, 'an enum needs at least one value']);
  }
  const watched = new Set();
  for (const c of conditions) {
    if (!(c.attribute in attributes) && !(c.attribute in statistics)) problems.push(['FL401', c.attribute, 'an alert condition watches this, which is not declared']);
    for (const severity of ['error', 'warn', 'info']) {
      if (c[`${severity}_states`] === undefined && c[`${severity}_bound`] === undefined) continue;
      const key = `${c.id ?? c.kind}/${c.attribute}/${severity}`;
      if (watched.has(key)) problems.push(['FL403', c.attribute, `two alert conditions watch this at severity ${severity}; give each an id`]);
      watched.add(key);
    }
  }
  for (const { title, series } of charts ?? []) {
    for (const name of series) if (!(name in statistics)) problems.push(['FL422', name, `chart ${title} names this, which is no statistic`]);
  }
  for (const r of relations) {
    for (const name of r.attributes) if (!(name in attributes)) problems.push(['FL432', name, `the relation to ${r.class} names this, which is no attribute`]);
  }
  return problems;
}

// manifest returns what a plugin with these classes declares.
export function manifest(classes) {
  const members = (declared) => Object.entries(declared).map(([name, { wire }]) => ({ name, ...wire }));
  const some = (list) => (list?.length ? list : undefined);
  return {
    api_version: 1,
    classes: classes.map((c) => withoutUndefined({
      name: c.name, label: c.label, bases: c.bases, identifier: c.identifier,
      attributes: some(members(c.attributes)), statistics: some(members(c.statistics)),
      alert_conditions: some(c.conditions), relations: some(c.relations), charts: some(c.charts),
    })),
  };
}
