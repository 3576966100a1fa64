import type { Schema } from '../../api/client';

type Attribute = Schema['ClassAttribute'];

/** What a field holds while it is edited: a text, a tick, or a chosen option's index. */
export type FieldValue = string | boolean | number | null;

export interface FieldSpec {
  name: string;
  label: string;
  input: 'text' | 'number' | 'checkbox' | 'select' | 'password' | 'reference';
  /** A value is needed, as none is filled in. */
  required: boolean;
  /** A short hint under the label. */
  hint: string;
  initial: FieldValue;
  options: string[];
  min: number | undefined;
  max: number | undefined;
  maxLength: number | undefined;
  attribute: Attribute;
}

/**
 * The fields of a form that adds a resource of a class. What users may not
 * set and what is hidden is left out.
 */
export function formFields(cls: Schema['Class']): FieldSpec[] {
  return cls.attributes.filter((a) => !a.user_read_only && !a.hidden).map(fieldFor);
}

function fieldFor(a: Attribute): FieldSpec {
  const hasDefault = a.default !== undefined && a.default !== null;
  return {
    name: a.name,
    label: a.label,
    input: inputFor(a),
    // A tick is always yes or no.
    required: !a.optional && !hasDefault && !a.default_computed && a.kind !== 'boolean',
    hint: hintFor(a),
    initial: initialFor(a),
    options: (a.options ?? []).map((o) => String(o)),
    min: a.min,
    max: a.max,
    maxLength: a.max_length,
    attribute: a,
  };
}

function inputFor(a: Attribute): FieldSpec['input'] {
  switch (a.kind) {
    case 'boolean':
      // A third state, "not said", needs a list.
      return a.optional && (a.default === undefined || a.default === null) ? 'select' : 'checkbox';
    case 'enum':
      return 'select';
    case 'integer':
    case 'float':
    case 'bytes':
      return 'number';
    case 'password':
      return 'password';
    case 'reference':
      return 'reference';
    default:
      return 'text';
  }
}

function hintFor(a: Attribute): string {
  const parts: string[] = [];
  if (a.kind === 'bytes') parts.push('In bytes.');
  if (a.kind === 'integer' || a.kind === 'float' || a.kind === 'bytes') {
    if (a.min !== undefined && a.max !== undefined) parts.push(`From ${a.min} to ${a.max}.`);
    else if (a.min !== undefined) parts.push(`At least ${a.min}.`);
    else if (a.max !== undefined) parts.push(`At most ${a.max}.`);
  }
  if (a.default_computed) parts.push('The plugin sets it if it is left empty.');
  if (a.identifying) parts.push('Cannot be changed later.');
  return parts.join(' ');
}

function initialFor(a: Attribute): FieldValue {
  const d = a.default;
  switch (inputFor(a)) {
    case 'checkbox':
      return d === true;
    case 'select': {
      if (a.kind === 'boolean') return null;
      const i = (a.options ?? []).findIndex((o) => o === d);
      return i < 0 ? null : i;
    }
    case 'number':
      return typeof d === 'number' ? d : '';
    case 'reference':
      return null;
    default:
      return typeof d === 'string' ? d : '';
  }
}

export interface Checked {
  /** The values to send; what was left empty is not among them. */
  attributes: Record<string, unknown>;
  /** What is wrong, by field. */
  errors: Record<string, string>;
}

/**
 * Makes the values to send from what the fields hold. Only what the
 * declaration says is checked here; the server checks all of it.
 */
export function readForm(fields: FieldSpec[], values: Record<string, FieldValue>): Checked {
  const attributes: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const f of fields) {
    const value = values[f.name] ?? null;
    if (value === null || value === '') {
      if (f.required) errors[f.name] = `${f.label} needs a value.`;
      continue;
    }
    switch (f.input) {
      case 'select':
        attributes[f.name] = f.attribute.kind === 'boolean' ? value === 1 : f.attribute.options?.[Number(value)];
        break;
      case 'number': {
        const n = typeof value === 'number' ? value : Number(value);
        const error = numberError(f, n);
        if (error !== '') errors[f.name] = error;
        attributes[f.name] = n;
        break;
      }
      case 'reference':
        attributes[f.name] = Number(value);
        break;
      default:
        attributes[f.name] = value;
    }
  }
  return { attributes, errors };
}

function numberError(f: FieldSpec, n: number): string {
  if (!Number.isFinite(n)) return `${f.label} must be a number.`;
  if (f.attribute.kind !== 'float' && !Number.isSafeInteger(n)) return `${f.label} must be a whole number.`;
  if (f.min !== undefined && n < f.min) return `${f.label} must be at least ${f.min}.`;
  if (f.max !== undefined && n > f.max) return `${f.label} must be at most ${f.max}.`;
  return '';
}
