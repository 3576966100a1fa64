import { useDebouncedCallback } from '@mantine/hooks';
import { useId, useState } from 'react';
import classes from './ColumnFilter.module.css';
import type { ColumnSpec } from './columns';
import { example, readTyped, typed } from './where';

interface Props {
  column: ColumnSpec;
  condition: string | undefined;
  onChange: (condition: string | undefined) => void;
}

/** Asks for values of one column: one of a list, a part of a text, a number or a comparison with one. */
export function ColumnFilter({ column, condition, onChange }: Props) {
  const label = `Filter ${column.header}`;
  if (column.options) {
    return (
      <select
        className={classes['field']}
        aria-label={label}
        data-set={condition !== undefined || undefined}
        value={condition ?? ''}
        onChange={(e) => onChange(e.currentTarget.value === '' ? undefined : e.currentTarget.value)}
      >
        <option value="">Any</option>
        {column.options.map((o) => (
          <option key={o} value={`=${o}`}>
            {o}
          </option>
        ))}
        {column.options.length > 2 && column.options.map((o) => (
          <option key={o} value={`!=${o}`}>
            not {o}
          </option>
        ))}
        <option value="=">no value</option>
      </select>
    );
  }
  return <TypedFilter column={column} label={label} condition={condition} onChange={onChange} />;
}

function TypedFilter({ column, label, condition, onChange }: Props & { label: string }) {
  const value = typed(condition, column.kind);
  const [text, setText] = useState(value);
  const [applied, setApplied] = useState(condition);
  const [error, setError] = useState('');
  const hint = useId();
  // The address may change it too: back, forward, another link.
  if (condition !== applied) {
    setApplied(condition);
    setText(value);
    setError('');
  }
  const apply = (next: string) => {
    const read = readTyped(next, column.kind);
    setError(read.error ?? '');
    if (read.error === undefined && read.condition !== applied) {
      setApplied(read.condition);
      onChange(read.condition);
    }
  };
  const later = useDebouncedCallback(apply, 400);
  return (
    <>
      <input
        className={classes['field']}
        aria-label={label}
        aria-invalid={error !== ''}
        aria-describedby={error === '' ? undefined : hint}
        title={error === '' ? undefined : error}
        data-set={condition !== undefined || undefined}
        placeholder={example(column.kind === 'name' ? 'name' : (column.kind as Parameters<typeof example>[0]))}
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(e) => {
          setText(e.currentTarget.value);
          later(e.currentTarget.value);
        }}
        onKeyDown={(e) => {
          if (e.key === 'Enter') apply(text);
          if (e.key === 'Escape') {
            setText('');
            apply('');
          }
        }}
      />
      {error !== '' && (
        <span id={hint} className="visually-hidden" role="alert">
          {error}
        </span>
      )}
    </>
  );
}
