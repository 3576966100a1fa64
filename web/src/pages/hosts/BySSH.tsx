import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { keys } from '../../api/queries';
import { ErrorNote } from '../../ui/Note';
import classes from './AddHostPage.module.css';

type Field = 'address' | 'name' | 'user' | 'host_key';
const fields: readonly Field[] = ['address', 'name', 'user', 'host_key'];

/** Where the agent goes, and what the server needs to get there. */
export function BySSH({ start }: { start: Partial<Record<Field, string>> }) {
  const [values, setValues] = useState<Partial<Record<Field, string>>>(start);
  const [errors, setErrors] = useState<Partial<Record<Field | '', string>>>({});
  const form = useRef<HTMLFormElement>(null);
  const client = useQueryClient();
  const navigate = useNavigate();

  function refuse(field: Field | '', text: string): void {
    setErrors({ [field]: text });
    if (field !== '') form.current?.querySelector<HTMLElement>(`#host-${field}`)?.focus();
  }

  const add = useMutation({
    mutationFn: (dry: boolean) => data(api.POST('/hosts', { body: { ...request(values), dry_run: dry } })),
    onSuccess: async (installation) => {
      client.setQueryData(keys.installation(installation.id), installation);
      void client.invalidateQueries({ queryKey: keys.hosts });
      await navigate({ to: '/hosts/add', search: { ...request(values), installation: installation.id }, replace: true, resetScroll: false });
    },
    onError: (err) => refuse(err instanceof ProblemError ? (fields.find((f) => f === err.field) ?? '') : '', errorText(err)),
  });

  function go(dry: boolean): void {
    setErrors({});
    if (request(values).address === '') refuse('address', 'The machine needs a name or an IP address.');
    else add.mutate(dry);
  }

  const input = (field: Field) => ({
    id: `host-${field}`,
    value: values[field] ?? '',
    error: errors[field],
    autoComplete: 'off',
    spellCheck: false,
    onChange: (e: React.ChangeEvent<HTMLInputElement>) => {
      const value = e.currentTarget.value;
      setValues((old) => ({ ...old, [field]: value }));
      setErrors(({ [field]: _, ...rest }) => rest);
    },
  });
  return (
    <form
      ref={form}
      noValidate
      className={classes['form']}
      onSubmit={(e) => {
        e.preventDefault();
        go(true);
      }}
    >
      <TextInput label="Address of the machine" description="A name or an IP address, with :PORT if SSH is not at 22." withAsterisk aria-required {...input('address')} />
      <div className={classes['pair']}>
        <TextInput label="Name of the host (optional)" description="Else its address, or what it calls itself." {...input('name')} />
        <TextInput label="User (optional)" description="Else ssh_user of the server." {...input('user')} />
      </div>
      <TextInput
        label="Fingerprint of its key (optional)"
        description="Such as SHA256:…, if ssh_known_hosts of the server does not have the machine."
        {...input('host_key')}
      />
      {errors[''] !== undefined && <ErrorNote>{errors['']}</ErrorNote>}
      <div className={classes['buttons']}>
        <Button type="submit" size="sm" loading={add.isPending && add.variables} disabled={add.isPending}>
          Dry run
        </Button>
        <Button size="sm" variant="default" loading={add.isPending && !add.variables} disabled={add.isPending} onClick={() => go(false)}>
          Install without one
        </Button>
      </div>
    </form>
  );
}

/** What is asked of the server; what is empty is left out. */
function request(values: Partial<Record<Field, string>>): Schema['AddHost'] {
  const out: Schema['AddHost'] = { address: (values.address ?? '').trim() };
  for (const f of ['name', 'user', 'host_key'] as const) {
    const value = values[f]?.trim() ?? '';
    if (value !== '') out[f] = value;
  }
  return out;
}
