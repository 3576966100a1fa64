// Kinds of attributes and statistics: what each may hold, and how it is declared
// to the host. A check takes what an author assigns and returns what is stored,
// or throws an Error whose text is the broken rule.

import { isIPv4, isIPv6 } from 'node:net';

const camelToWire = {
  optional: 'optional', hidden: 'hidden', readOnly: 'user_read_only', label: 'label',
  min: 'min', max: 'max', maxLength: 'max_length', options: 'options', renamedFrom: 'renamed_from',
};

// attribute makes a declaration. A default may be a value or a function of the
// values given so far; encrypt is a password's own function; renamedFrom are the
// names that older versions of the plugin had, the latest first.
function attribute(kind, check, options) {
  const { default: fallback, encrypt, ...given } = options;
  const wire = { kind };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in camelToWire)) throw new TypeError(`an attribute has no option ${name}`);
    if (value !== false && value !== undefined) wire[camelToWire[name]] = value;
  }
  if (typeof fallback === 'function') wire.default_computed = true;
  else if (fallback !== undefined) wire.default = fallback;
  return { wire, fallback, encrypt, check: (value) => check(value, given) };
}

export const string = (options = {}) => attribute('string', checkText, options);
export const password = (encrypt, options = {}) => attribute('password', checkText, { ...options, encrypt });
export const path = (options = {}) => attribute('path', checkText, options);
export const hostname = (options = {}) => attribute('hostname', checkHostname, options);
export const uuid = (options = {}) => attribute('uuid', checkUuid, options);
export const integer = (options = {}) => attribute('integer', checkInteger, options);
export const bytes = (options = {}) => attribute('bytes', checkInteger, options);
export const float = (options = {}) => attribute('float', checkNumber, options);
export const boolean = (options = {}) => attribute('boolean', (value) => Boolean(value), options);
export const oneOf = (values, options = {}) => attribute('enum', checkOption, { ...options, options: values });
// Whether a reference is to a resource of the same session, the session checks.
export const reference = (options = {}) => attribute('reference', (value) => value, options);

function checkText(value, { maxLength }) {
  if (typeof value !== 'string') throw new Error(`must be a string, not ${typeof value}`);
  if (!value.isWellFormed()) throw new Error('has half of a surrogate pair, which UTF-8 cannot carry');
  // Characters, not the UTF-16 units that value.length counts.
  if (maxLength !== undefined && [...value].length > maxLength) throw new Error(`is longer than ${maxLength} characters`);
  return value;
}

function checkHostname(value) {
  checkText(value, {});
  if (isIPv4(value) || isIPv6(value)) return value;
  const parts = value.split('.');
  const isName = value.length <= 253 && parts.every((p) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(p));
  if (!isName || /^[0-9]+$/.test(parts.at(-1))) throw new Error('is neither a DNS name nor an IP address');
  return value;
}

function checkUuid(value) {
  checkText(value, {});
  if (!/^[0-9a-fA-F]{32}$/.test(value.replaceAll('-', ''))) throw new Error('is no UUID: it must have 32 hexadecimal digits, hyphens aside');
  return value;
}

function checkNumber(value, { min, max }) {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`must be a finite number, not ${typeof value}`);
  if (min !== undefined && value < min) throw new Error(`is below ${min}`);
  if (max !== undefined && value > max) throw new Error(`is above ${max}`);
  return value;
}

function checkInteger(value, bounds) {
  // The protocol's integers have 64 bits, those of JavaScript 53. To round a
  // capacity or an identifier in silence would be worse than to refuse it.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new Error('is beyond 2^53, which a JavaScript number cannot hold exactly; declare a string');
  }
  if (!Number.isInteger(value)) throw new Error('must be a whole number');
  return checkNumber(value, bounds);
}

function checkOption(value, { options }) {
  if (!options.includes(value)) throw new Error(`must be one of ${options.map((o) => JSON.stringify(o)).join(', ')}`);
  return value;
}

// statistic makes the declaration of a statistic. samplePeriod is in seconds.
function statistic(kind, check, { samplePeriod = 10, unit, label, ...rest }) {
  const wire = { kind, sample_period: samplePeriod, ...rest };
  if (label !== undefined) wire.label = label;
  if (unit !== undefined) wire.unit = unit;
  return { wire, check };
}

const checkSample = (value) => checkNumber(value, {});

export const gauge = (options = {}) => statistic('gauge', checkSample, options);
export const counter = (options = {}) => statistic('counter', checkSample, options);
// Bins are [low, high], both inclusive, or [low] for an open end.
export const histogram = (bins, options = {}) => statistic('histogram', (value) => {
  if (!Array.isArray(value) || value.length !== bins.length) throw new Error(`must be an array of ${bins.length} numbers, one a bin`);
  return value.map((n) => checkInteger(n, { min: 0 }));
}, { ...options, bins });
