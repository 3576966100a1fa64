import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter } from '@tabler/icons-react';
import { useState } from 'react';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** A text to filter by. What is typed counts when the typing rests. */
export function FilterText({ label, value, onChange }: Props) {
  const [text, setText] = useState(value);
  const [applied, setApplied] = useState(value);
  const apply = useDebouncedCallback((next: string) => {
    setApplied(next);
    onChange(next);
  }, 250);
  // The address may change the text too: back, forward, another link.
  if (value !== applied) {
    setApplied(value);
    setText(value);
  }
  const change = (next: string) => {
    setText(next);
    apply(next.trim());
  };
  return (
    <TextInput
      size="xs"
      aria-label={label}
      placeholder={label}
      leftSection={<IconFilter size={14} aria-hidden />}
      rightSection={text === '' ? null : <CloseButton size="xs" aria-label="Clear the filter" onClick={() => change('')} />}
      value={text}
      onChange={(e) => change(e.currentTarget.value)}
      onKeyDown={(e) => {
        if (e.key === 'Escape') change('');
      }}
      style={{ flex: '0 1 11rem', minWidth: '8rem' }}
    />
  );
}
