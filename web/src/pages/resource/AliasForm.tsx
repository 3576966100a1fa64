import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { keys } from '../../api/queries';
import classes from './AliasForm.module.css';

/** Gives the resource a name of the user's own, or takes it back. */
export function AliasForm({ resource, onClose }: { resource: Schema['Resource']; onClose: () => void }) {
  const client = useQueryClient();
  const [text, setText] = useState(resource.name);
  const save = useMutation({
    mutationFn: (alias: string | null) =>
      data(api.PATCH('/resources/{id}', { params: { path: { id: resource.id } }, body: { alias } })),
    onSuccess: (changed) => {
      client.setQueryData(keys.resource(resource.id), changed);
      onClose();
    },
  });
  // Saving the name that the plugin gives takes the alias back.
  const submit = () => save.mutate(text.trim() === '' || text.trim() === resource.label ? null : text.trim());
  return (
    <form
      className={classes['form']}
      onSubmit={(e) => {
        e.preventDefault();
        submit();
      }}
      onKeyDown={(e) => {
        if (e.key === 'Escape') onClose();
      }}
    >
      <TextInput aria-label="Name" value={text} onChange={(e) => setText(e.currentTarget.value)} error={save.error && errorText(save.error)} autoFocus className={classes['input'] ?? ''} />
      <Button type="submit" loading={save.isPending}>
        Save
      </Button>
      {resource.alias !== null && (
        <Button variant="default" onClick={() => save.mutate(null)} disabled={save.isPending}>
          Use {resource.label}
        </Button>
      )}
      <Button variant="subtle" color="gray" onClick={onClose}>
        Cancel
      </Button>
    </form>
  );
}
