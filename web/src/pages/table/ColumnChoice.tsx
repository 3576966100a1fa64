import { Button, Checkbox, Popover } from '@mantine/core';
import { IconColumns } from '@tabler/icons-react';
import classes from './ColumnChoice.module.css';
import type { ColumnSpec } from './columns';

interface Props {
  all: ColumnSpec[];
  shown: ColumnSpec[];
  /** Takes the names of the columns to show; undefined is all. */
  onChange: (names: string[] | undefined) => void;
}

/** Chooses the columns of a table. The name is always one of them. */
export function ColumnChoice({ all, shown, onChange }: Props) {
  const free = all.filter((c) => c.source !== 'name');
  const on = new Set(shown.filter((c) => c.source !== 'name').map((c) => c.id));
  const toggle = (id: string) => {
    const next = free.filter((c) => (c.id === id ? !on.has(id) : on.has(c.id))).map((c) => c.id);
    onChange(next.length === free.length ? undefined : next);
  };
  return (
    <Popover position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns size={14} aria-hidden />}>
          Columns{on.size < free.length ? ` ${on.size} of ${free.length}` : ''}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes['list'] ?? ''} aria-label="Columns">
        {free.map((c) => (
          <Checkbox key={`${c.source}-${c.id}`} size="xs" label={c.header} checked={on.has(c.id)} onChange={() => toggle(c.id)} />
        ))}
        <Button variant="subtle" size="compact-xs" disabled={on.size === free.length} onClick={() => onChange(undefined)}>
          Show all
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
