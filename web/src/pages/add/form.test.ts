import { describe, expect, it } from 'vitest';
import type { Schema } from '../../api/client';
import { changedOnly, formFields, initialValues, readForm } from './form';

const attribute = (name: string, kind: Schema['Kind'], more: Partial<Schema['ClassAttribute']> = {}): Schema['ClassAttribute'] => ({
  name,
  kind,
  label: name.toUpperCase(),
  optional: false,
  hidden: false,
  user_read_only: false,
  identifying: false,
  default_computed: false,
  ...more,
});

function cls(...attributes: Schema['ClassAttribute'][]): Schema['Class'] {
  return {
    plugin: 'p',
    name: 'C',
    label: 'C',
    full: 'p.C',
    bases: ['ScannableResource', 'Resource'],
    identifier: { scope: 'global', attributes: [] },
    scannable: true,
    root: true,
    attributes,
    statistics: [],
    conditions: [],
    relations: [],
    charts: [],
    columns: [],
    count: 0,
  };
}

describe('formFields', () => {
  it('leaves out what users may not set and what is hidden', () => {
    const fields = formFields(cls(attribute('a', 'string'), attribute('b', 'string', { user_read_only: true }), attribute('c', 'string', { hidden: true })));
    expect(fields.map((f) => f.name)).toEqual(['a']);
  });

  it('chooses the input by the kind', () => {
    const fields = formFields(
      cls(
        attribute('s', 'hostname'),
        attribute('i', 'integer', { min: 1, max: 9 }),
        attribute('e', 'enum', { options: ['x', 'y'], default: 'y' }),
        attribute('b', 'boolean', { default: true }),
        attribute('o', 'boolean', { optional: true }),
        attribute('p', 'password'),
        attribute('r', 'reference'),
      ),
    );
    expect(fields.map((f) => f.input)).toEqual(['text', 'number', 'select', 'checkbox', 'select', 'password', 'reference']);
    expect(fields[1]?.hint).toBe('From 1 to 9.');
    expect(fields[2]?.initial).toBe(1);
    expect(fields[3]?.initial).toBe(true);
  });

  it('asks only for what nobody else fills in', () => {
    const fields = formFields(
      cls(
        attribute('needed', 'string'),
        attribute('optional', 'string', { optional: true }),
        attribute('constant', 'integer', { default: 0 }),
        attribute('computed', 'string', { default_computed: true }),
        attribute('tick', 'boolean'),
      ),
    );
    expect(fields.filter((f) => f.required).map((f) => f.name)).toEqual(['needed']);
    expect(fields.find((f) => f.name === 'constant')?.initial).toBe(0);
  });
});

describe('readForm', () => {
  const fields = formFields(
    cls(
      attribute('host', 'hostname'),
      attribute('port', 'integer', { min: 1, max: 65535 }),
      attribute('mode', 'enum', { options: [1, 2], optional: true }),
      attribute('tls', 'boolean'),
      attribute('maybe', 'boolean', { optional: true }),
    ),
  );

  it('keeps the types of values, and sends nothing for empty fields', () => {
    const { attributes, errors } = readForm(fields, { host: 'h', port: 80, mode: 1, tls: false, maybe: null });
    expect(errors).toEqual({});
    expect(attributes).toEqual({ host: 'h', port: 80, mode: 2, tls: false });
  });

  it('reads the choice of an optional yes or no', () => {
    expect(readForm(fields, { host: 'h', port: 1, tls: true, maybe: 0 }).attributes['maybe']).toBe(false);
    expect(readForm(fields, { host: 'h', port: 1, tls: true, maybe: 1 }).attributes['maybe']).toBe(true);
  });

  it('says at which field something is wrong', () => {
    expect(readForm(fields, { host: '', port: 70000, tls: true }).errors).toEqual({ host: 'HOST needs a value.', port: 'PORT must be at most 65535.' });
    expect(readForm(fields, { host: 'h', port: 1.5, tls: true }).errors).toEqual({ port: 'PORT must be a whole number.' });
    expect(readForm(fields, { host: 'h', port: 'x', tls: true }).errors).toEqual({ port: 'PORT must be a number.' });
  });
});

describe('an edit', () => {
  const edited = cls(
    attribute('host', 'hostname', { identifying: true }),
    attribute('password', 'password'),
    attribute('port', 'integer', { default: 80 }),
    attribute('site', 'string', { optional: true }),
    attribute('tls', 'boolean'),
    attribute('mode', 'enum', { options: ['a', 'b'] }),
  );
  const value = (v: string | number | boolean | null): Schema['AttributeValue'] => ({ kind: 'string', label: '', value: v, text: '' });
  const resource = {
    attributes: { host: value('h'), port: value(443), site: value('Hall 2'), tls: value(true), mode: value('b') },
  } as unknown as Schema['Resource'];
  const fields = formFields(edited, resource);
  const before = initialValues(fields, resource);
  const send = (change: Record<string, string | number | boolean | null>) => {
    const now = { ...before, ...change };
    const { attributes, errors } = readForm(fields, now);
    return { sent: changedOnly(fields, attributes, before, now), errors };
  };

  it('begins with what there is, without the password', () => {
    expect(before).toEqual({ host: 'h', password: '', port: 443, site: 'Hall 2', tls: true, mode: 1 });
    expect(fields.filter((f) => f.fixed).map((f) => f.name)).toEqual(['host']);
  });
  it('sends nothing that stays as it was', () => {
    expect(send({})).toEqual({ sent: {}, errors: {} });
  });
  it('sends what changed, and null for what was emptied', () => {
    expect(send({ password: 'new', port: 8443, site: '', tls: false, mode: 0 }).sent).toEqual({ password: 'new', port: 8443, site: null, tls: false, mode: 'a' });
  });
  it('says where a value is needed', () => {
    expect(send({ port: '' }).errors).toEqual({ port: 'PORT needs a value.' });
  });
});
