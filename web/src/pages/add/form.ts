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
  /** Shown, but not to be changed: it tells the resource from others. */
  fixed: boolean;
  attribute: Attribute;
}

/**
 * The fields of a form that adds a resource of a class, or edits one. What
 * users may not set and what is hidden is left out.
 */
export function formFields(cls: Schema['Class'], resource?: Schema['Resource']): FieldSpec[] {
  return cls.attributes.filter((a) => !a.user_read_only && !a.hidden).map((a) => (resource ? editField(a) : fieldFor(a)));
}

/** A field of what is there: an identifier stays, and so does a password that nobody types anew. */
function editField(a: Attribute): FieldSpec {
  const f = fieldFor(a);
  if (a.identifying) return { ...f, fixed: true, required: false, hint: 'Identifies the controller, and cannot be changed.' };
  if (a.kind === 'password') return { ...f, required: false, hint: 'Leave it empty to keep the present one.' };
  return { ...f, required: !a.optional && a.kind !== 'boolean', hint: f.hint.replace('The plugin sets it if it is left empty.', '').trim() };
}

/** What the fields hold at first: the defaults, or the values of the resource. */
export function initialValues(fields: FieldSpec[], resource?: Schema['Resource']): Record<string, FieldValue> {
  return Object.fromEntries(fields.map((f) => [f.name, resource ? present(f, resource.attributes[f.name]?.value) : f.initial]));
}

function present(f: FieldSpec, value: unknown): FieldValue {
  switch (f.input) {
    case 'checkbox':
      return value === true;
    case 'select': {
      if (f.attribute.kind === 'boolean') return typeof value === 'boolean' ? Number(value) : null;
      const i = (f.attribute.options ?? []).findIndex((o) => o === value);
      return i < 0 ? null : i;
    }
    case 'number':
      return typeof value === 'number' ? value : '';
    case 'reference':
      return typeof value === 'number' ? String(value) : null;
    case 'password':
      return '';
    case 'text':
      return typeof value === 'string' ? value : '';
  }
}

/** Of the values of an edited resource, those that differ from before; what was emptied is null. */
export function changedOnly(
  fields: FieldSpec[],
  attributes: Record<string, unknown>,
  before: Record<string, FieldValue>,
  now: Record<string, FieldValue>,
): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const f of fields) {
    if (f.fixed || (now[f.name] ?? null) === (before[f.name] ?? null)) continue;
    if (f.input === 'password' && (now[f.name] ?? '') === '') continue;
    changed[f.name] = attributes[f.name] ?? null;
  }
  return changed;
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
    fixed: false,
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
    if (f.fixed) continue;
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
