import { Checkbox, NumberInput, PasswordInput, Select, TextInput } from '@mantine/core';
import { formatBytes } from '../../format/number';
import type { FieldSpec, FieldValue } from './form';
import { ReferenceField } from './ReferenceField';

interface Props {
  field: FieldSpec;
  value: FieldValue;
  error: string | undefined;
  onChange: (value: FieldValue) => void;
}

/** One attribute in a form, as its declaration asks for it. */
export function Field({ field, value, error, onChange }: Props) {
  const bytes = field.attribute.kind === 'bytes' && typeof value === 'number' ? ` ${formatBytes(value)}.` : '';
  const hint = `${field.hint}${bytes}`.trim();
  const common = {
    id: `field-${field.name}`,
    name: field.name,
    disabled: field.fixed,
    label: field.required || field.fixed || field.input === 'checkbox' || field.input === 'password' ? field.label : `${field.label} (optional)`,
    description: hint === '' ? undefined : hint,
    error,
    'aria-required': field.required,
    withAsterisk: field.required,
  };
  switch (field.input) {
    case 'checkbox': {
      const { withAsterisk: _, 'aria-required': __, ...rest } = common;
      return <Checkbox {...rest} size="sm" checked={value === true} onChange={(e) => onChange(e.currentTarget.checked)} />;
    }
    case 'select': {
      const names = field.attribute.kind === 'boolean' ? ['No', 'Yes'] : field.options;
      return (
        <Select
          {...common}
          data={names.map((label, i) => ({ value: String(i), label }))}
          value={value === null ? null : String(value)}
          onChange={(v) => onChange(v === null ? null : Number(v))}
          placeholder={field.required ? 'Choose one' : 'Not set'}
          clearable={!field.required}
          allowDeselect={false}
          clearButtonProps={{ 'aria-label': `Clear ${field.label}` }}
        />
      );
    }
    case 'number':
      return (
        <NumberInput
          {...common}
          value={typeof value === 'number' || typeof value === 'string' ? value : ''}
          onChange={onChange}
          {...(field.min === undefined ? {} : { min: field.min })}
          {...(field.max === undefined ? {} : { max: field.max })}
          allowDecimal={field.attribute.kind === 'float'}
          // What is out of bounds is said, not silently changed.
          clampBehavior="none"
        />
      );
    case 'password':
      return <PasswordInput {...common} value={String(value ?? '')} onChange={(e) => onChange(e.currentTarget.value)} autoComplete="new-password" />;
    case 'reference':
      return <ReferenceField {...common} value={typeof value === 'string' ? value : null} onChange={onChange} />;
    case 'text':
      return (
        <TextInput
          {...common}
          value={String(value ?? '')}
          onChange={(e) => onChange(e.currentTarget.value)}
          maxLength={field.maxLength}
          autoComplete="off"
          spellCheck={false}
        />
      );
  }
}
