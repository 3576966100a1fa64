import { Button, Group, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { at, keys } from '../../api/queries';
import { ErrorNote } from '../../ui/Note';

interface Props {
  opened: boolean;
  onClose: () => void;
  plugins: Schema['Plugin'][];
}

/** Loads a plugin that the server, or a runner, knows where to find and has not loaded. */
export function LoadPlugin({ opened, onClose, plugins }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Load a plugin">
      <Form onClose={onClose} plugins={plugins} />
    </Modal>
  );
}

function Form({ onClose, plugins }: Omit<Props, 'opened'>) {
  const [name, setName] = useState('');
  const [runner, setRunner] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const client = useQueryClient();
  const navigate = useNavigate();
  const runners = [...new Set(plugins.flatMap((p) => p.runner ?? []))].sort();
  const load = useMutation({
    mutationFn: () => data(api.POST('/plugins', { body: { name: name.trim(), ...at(runner === '' ? undefined : runner) } })),
    onSuccess: async (plugin) => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.plugins });
      await navigate({ to: '/plugins/$name', params: { name: plugin.name }, search: at(plugin.runner) });
    },
    onError: () => input.current?.focus(),
  });
  const atName = load.error instanceof ProblemError && load.error.field === 'name';
  return (
    <form
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        if (name.trim() !== '') load.mutate();
      }}
    >
      <p style={{ marginTop: 0 }} className="muted">
        Of the configuration, which is read again, or of the plugin folder. What runs is decided on the machine itself, so no path can be given here.
      </p>
      <TextInput
        ref={input}
        label="Name of the plugin"
        description="That of its file, without extension."
        withAsterisk
        aria-required
        data-autofocus
        autoComplete="off"
        spellCheck={false}
        value={name}
        onChange={(e) => {
          setName(e.currentTarget.value);
          load.reset();
        }}
        error={atName ? errorText(load.error) : undefined}
      />
      {runners.length > 0 && (
        <Select
          mt="sm"
          label="Where"
          data={[{ value: '', label: 'This server, or the one runner that has it' }, ...runners.map((r) => ({ value: r, label: `Runner ${r}` }))]}
          value={runner}
          onChange={(v) => setRunner(v ?? '')}
          allowDeselect={false}
        />
      )}
      {load.error && !atName && <ErrorNote>{errorText(load.error)}</ErrorNote>}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={load.isPending} disabled={name.trim() === ''}>
          Load
        </Button>
      </Group>
    </form>
  );
}
