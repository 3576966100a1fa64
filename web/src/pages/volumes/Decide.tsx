import { Button, MultiSelect, Select } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { keys } from '../../api/queries';
import { ErrorNote } from '../../ui/Note';
import { automatic, changesOf, decisionOf, isDecided, type Decision, type DecisionField } from './decision';
import classes from './VolumePage.module.css';

const fields: readonly DecisionField[] = ['primary', 'secondary', 'unused'];

/** Lets a reader decide about the hosts of a volume, or leave them to the server again. */
export function Decide({ volume: v }: { volume: Schema['Volume'] }) {
  const before = decisionOf(v);
  // What the reader has not touched follows the server.
  const [touched, setTouched] = useState<Partial<Decision>>({});
  const [errors, setErrors] = useState<Partial<Record<DecisionField | '', string>>>({});
  const form = useRef<HTMLFormElement>(null);
  const client = useQueryClient();
  const now: Decision = { ...before, ...touched };
  const changes = changesOf(before, now);
  const changed = Object.keys(changes).length > 0;
  const used = v.used_by.length > 0;

  const edit = useMutation({
    mutationFn: (body: Schema['VolumeEdit']) => data(api.PATCH('/volumes/{id}', { params: { path: { id: v.id } }, body })),
    onSuccess: (volume) => {
      client.setQueryData(keys.volume(v.id), volume);
      void client.invalidateQueries({ queryKey: ['volumes'] });
      setTouched({});
      setErrors({});
    },
    onError: (err) => {
      const at = (err instanceof ProblemError ? fields.find((f) => f === err.field) : undefined) ?? '';
      setErrors({ [at]: errorText(err) });
      if (at !== '') form.current?.querySelector<HTMLElement>(`#decide-${at}`)?.focus();
    },
  });

  function set(change: Partial<Decision>): void {
    setTouched((old) => ({ ...old, ...change }));
    setErrors({});
  }

  // A host that was decided and does not reach the volume now can still be chosen.
  const reaching = (v.candidates ?? []).map((c) => c.host);
  const hosts = [...new Set([...reaching, ...[now.primary, now.secondary, ...now.unused].filter((h): h is string => h !== null && h !== 'none')])];
  const options = (auto: string) => [{ value: '', label: auto }, ...hosts.map((h) => ({ value: h, label: h })), { value: 'none', label: 'None' }];
  const choice = (field: 'primary' | 'secondary', label: string, auto: string) => (
    <Select
      id={`decide-${field}`}
      label={label}
      data={options(auto)}
      value={now[field] ?? ''}
      onChange={(h) => set({ [field]: h === '' ? null : h })}
      allowDeselect={false}
      disabled={used}
      error={errors[field]}
    />
  );
  return (
    <section className="panel" aria-labelledby="decide">
      <header>
        <h2 id="decide">Decide it yourself</h2>
      </header>
      <form
        ref={form}
        noValidate
        className={classes['form']}
        onSubmit={(e) => {
          e.preventDefault();
          edit.mutate(changes);
        }}
      >
        {used && (
          <p className={classes['blocked']}>
            {v.used_by.map((u) => u.name).join(', ')} {v.used_by.length === 1 ? 'lies' : 'lie'} on it, so its hosts stay as they are. Take what lies on it away first.
          </p>
        )}
        {choice('primary', 'Primary', 'The server’s choice')}
        {choice('secondary', 'Secondary', 'The server’s choice')}
        <MultiSelect
          id="decide-unused"
          label="Hosts that the server must not choose"
          placeholder={now.unused.length === 0 ? 'None' : ''}
          data={hosts}
          value={now.unused}
          onChange={(unused) => set({ unused })}
          disabled={used}
          error={errors.unused}
        />
        <p className={classes['small']}>A primary and a secondary must be of one HA cluster. A secondary alone fixes the present primary, too.</p>
        {errors[''] !== undefined && <ErrorNote>{errors['']}</ErrorNote>}
        <div className={classes['buttons']}>
          <Button type="submit" size="sm" disabled={used || !changed} loading={edit.isPending && edit.variables !== automatic}>
            Save
          </Button>
          <Button
            size="sm"
            variant="default"
            disabled={used || !(isDecided(before) || changed)}
            loading={edit.isPending && edit.variables === automatic}
            onClick={() => {
              if (isDecided(before)) edit.mutate(automatic);
              else set({ ...automatic });
            }}
          >
            Leave it to the server
          </Button>
        </div>
      </form>
    </section>
  );
}
