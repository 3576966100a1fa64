import { Button } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { keys } from '../../api/queries';
import classes from './AddPage.module.css';
import { Field } from './Field';
import { changedOnly, formFields, initialValues, readForm, type FieldValue } from './form';
import { Trial } from './Trial';

interface Props {
  cls: Schema['Class'];
  /** What the button adds or saves. */
  label: string;
  /** The resource that is edited; without it one is added. */
  resource?: Schema['Resource'];
}

/** The form of a controller, as its class declares it. */
export function ControllerForm({ cls, label, resource }: Props) {
  const fields = formFields(cls, resource);
  const [initial] = useState(() => initialValues(fields, resource));
  const [values, setValues] = useState<Record<string, FieldValue>>(initial);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const client = useQueryClient();
  const navigate = useNavigate();

  /** Shows what is wrong and leads to the first field of it. */
  function refuse(found: Record<string, string>): void {
    setErrors(found);
    const first = fields.find((f) => found[f.name] !== undefined);
    if (first) form.current?.querySelector<HTMLElement>(`#field-${CSS.escape(first.name)}`)?.focus();
  }

  /** Shows a refusal of the server at the field that it names. */
  function refused(err: Error): void {
    const field = err instanceof ProblemError ? err.field.replace(/^attributes\./, '') : '';
    refuse(fields.some((f) => f.name === field) ? { [field]: err.message } : { '': errorText(err) });
  }

  const save = useMutation({
    mutationFn: (attributes: Record<string, unknown>) =>
      resource
        ? data(api.PATCH('/resources/{id}', { params: { path: { id: resource.id } }, body: { attributes } }))
        : data(api.POST('/resources', { body: { plugin: cls.plugin, class: cls.name, attributes } })),
    onSuccess: async (saved) => {
      client.setQueryData(keys.resource(saved.id), saved);
      void client.invalidateQueries({ queryKey: keys.roots });
      await navigate({ to: '/resource/$id', params: { id: String(saved.id) } });
    },
    onError: refused,
  });

  const trial = useMutation({
    mutationFn: (attributes: Record<string, unknown>) =>
      data(api.POST('/resources/test', { body: { plugin: cls.plugin, class: cls.name, attributes, ...(resource ? { id: resource.id } : {}) } })),
    onError: refused,
  });

  /** Reads the form, and goes on with its values if nothing is wrong with them. */
  function read(then: (attributes: Record<string, unknown>) => void): void {
    const { attributes, errors: found } = readForm(fields, values);
    if (Object.keys(found).length > 0) refuse(found);
    else {
      setErrors({});
      then(resource ? changedOnly(fields, attributes, initial, values) : attributes);
    }
  }

  return (
    <form
      ref={form}
      noValidate
      className={classes['form']}
      onSubmit={(e) => {
        e.preventDefault();
        read((attributes) => {
          if (resource && Object.keys(attributes).length === 0) refuse({ '': 'Nothing was changed.' });
          else save.mutate(attributes);
        });
      }}
    >
      {fields.map((f) => (
        <Field
          key={f.name}
          field={f}
          value={values[f.name] ?? null}
          error={errors[f.name]}
          onChange={(value) => {
            setValues((old) => ({ ...old, [f.name]: value }));
            // What is being put right is no longer wrong, and what was tried is something else.
            setErrors(({ [f.name]: _, '': __, ...rest }) => rest);
            trial.reset();
          }}
        />
      ))}
      {errors[''] !== undefined && (
        <p role="alert" className={classes['error']}>
          {errors['']}
        </p>
      )}
      <Trial result={trial.data} pending={trial.isPending} />
      <div className={classes['buttons']}>
        <Button type="submit" size="sm" loading={save.isPending} disabled={trial.isPending}>
          {resource ? 'Save' : 'Add'} {label}
        </Button>
        <Button
          size="sm"
          variant="default"
          leftSection={<IconPlugConnected size={16} aria-hidden />}
          loading={trial.isPending}
          onClick={() => read((attributes) => trial.mutate(attributes))}
        >
          Test connection
        </Button>
        {resource ? (
          <Button component={Link} to={`/resource/${resource.id}`} size="sm" variant="subtle">
            Cancel
          </Button>
        ) : (
          <Button component={Link} to="/" size="sm" variant="subtle">
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
