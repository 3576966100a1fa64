import { Button, Select, Skeleton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { classesQuery, keys } from '../../api/queries';
import { ClassLabels } from '../../ui/classes';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import classes from './AddPage.module.css';
import { Field } from './Field';
import { formFields, readForm, type FieldValue } from './form';

const route = getRouteApi('/add');

/** Adds a controller, with a form that its class declares. */
export function AddPage() {
  const { class: asked } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: declared, error } = useQuery(classesQuery);
  const scannable = declared?.items.filter((c) => c.scannable);
  const labels = new ClassLabels(declared?.items ?? []);
  const only = scannable?.length === 1 ? scannable[0] : undefined;
  const cls = scannable?.find((c) => c.full === asked) ?? only;
  return (
    <Page title="Add a controller">
      <h1>Add a controller</h1>
      {error && !declared && (
        <Message title="The classes cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      )}
      {!declared && !error && <Skeleton height={320} maw={560} />}
      {scannable?.length === 0 && (
        <Message title="No plugin can scan anything">
          <p>
            Load one that declares a scannable class, such as <code>faultline serve --plugin builtin:redfish</code>.
          </p>
        </Message>
      )}
      {scannable && scannable.length > 0 && (
        <div className={`panel ${classes['box'] ?? ''}`}>
          <Select
            label="What kind of controller?"
            placeholder="Choose one"
            data={scannable.map((c) => ({ value: c.full, label: `${labels.label(c.full)} (plugin ${c.plugin})` }))}
            value={cls?.full ?? null}
            onChange={(v) => void navigate({ search: v === null ? {} : { class: v }, replace: true })}
            allowDeselect={false}
            searchable={scannable.length > 8}
          />
          {cls && <Form key={cls.full} cls={cls} label={labels.label(cls.full)} />}
        </div>
      )}
    </Page>
  );
}

function Form({ cls, label }: { cls: Schema['Class']; label: string }) {
  const fields = formFields(cls);
  const [values, setValues] = useState<Record<string, FieldValue>>(() => Object.fromEntries(fields.map((f) => [f.name, f.initial])));
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

  const add = useMutation({
    mutationFn: (attributes: Record<string, unknown>) =>
      data(api.POST('/resources', { body: { plugin: cls.plugin, class: cls.name, attributes } })),
    onSuccess: async (resource) => {
      client.setQueryData(keys.resource(resource.id), resource);
      void client.invalidateQueries({ queryKey: keys.roots });
      await navigate({ to: '/resource/$id', params: { id: String(resource.id) } });
    },
    onError: (err) => {
      const field = err instanceof ProblemError ? fieldOf(err.field) : '';
      refuse(fields.some((f) => f.name === field) ? { [field]: err.message } : { '': errorText(err) });
    },
  });

  return (
    <form
      ref={form}
      noValidate
      className={classes['form']}
      onSubmit={(e) => {
        e.preventDefault();
        const { attributes, errors: found } = readForm(fields, values);
        if (Object.keys(found).length > 0) refuse(found);
        else {
          setErrors({});
          add.mutate(attributes);
        }
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
            // What is being put right is no longer wrong.
            setErrors(({ [f.name]: _, ...rest }) => rest);
          }}
        />
      ))}
      {errors[''] !== undefined && (
        <p role="alert" className={classes['error']}>
          {errors['']}
        </p>
      )}
      <div className={classes['buttons']}>
        <Button type="submit" size="sm" loading={add.isPending}>
          Add {label}
        </Button>
        <Button component={Link} to="/" size="sm" variant="default">
          Cancel
        </Button>
      </div>
    </form>
  );
}

/** A problem names an attribute plainly or as a part of the body. */
function fieldOf(field: string): string {
  return field.replace(/^attributes\./, '');
}
