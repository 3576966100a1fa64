import { ActionIcon, Button, Group, Modal, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPencil, IconSettings, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { keys } from '../../api/queries';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { StaleMark } from '../../ui/StaleMark';
import { AliasForm } from './AliasForm';
import classes from './Title.module.css';

interface Props {
  resource: Schema['Resource'];
  labels: ClassLabels;
}

/** What the resource is called, what it is, and how it is. */
export function Title({ resource, labels }: Props) {
  const [editing, setEditing] = useState(false);
  const pencil = useRef<HTMLButtonElement>(null);
  const close = () => {
    setEditing(false);
    // The keyboard goes on where it was before.
    setTimeout(() => pencil.current?.focus());
  };
  return (
    <div className={classes['title']}>
      <nav aria-label="Class" className={`${classes['trail'] ?? ''} text`}>
        {resource.plugin} ›{' '}
        <Link to="/resources/$plugin/$class" params={{ plugin: resource.plugin, class: resource.class }}>
          {labels.label(fullClass(resource))}
        </Link>
      </nav>
      <div className={classes['row']}>
        <HealthIcon health={resource.health} size={26} />
        {editing ? (
          <AliasForm resource={resource} onClose={close} />
        ) : (
          <>
            <h1>{resource.name}</h1>
            <Tooltip label="Give it another name">
              <ActionIcon ref={pencil} variant="subtle" color="gray" aria-label="Edit the name" onClick={() => setEditing(true)}>
                <IconPencil size={16} />
              </ActionIcon>
            </Tooltip>
          </>
        )}
        <span className={classes['health']} data-health={resource.health}>
          {healthName(resource.health)}
        </span>
        {resource.stale && <StaleMark />}
        {resource.deletable && !editing && (
          <Group gap="xs" className={classes['acts'] ?? ''}>
            <Button component={Link} to={`/resource/${resource.id}/edit`} variant="default" leftSection={<IconSettings size={14} aria-hidden />}>
              Edit
            </Button>
            <Remove resource={resource} />
          </Group>
        )}
      </div>
      {resource.alias !== null && !editing && <div className="muted">The plugin calls it {resource.label}.</div>}
    </div>
  );
}

function Remove({ resource }: { resource: Schema['Resource'] }) {
  const [asked, { open, close }] = useDisclosure(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => data(api.DELETE('/resources/{id}', { params: { path: { id: resource.id } } })),
    onSuccess: async () => {
      close();
      await navigate({ to: '/' });
      client.removeQueries({ queryKey: keys.resource(resource.id) });
      await client.invalidateQueries({ queryKey: keys.roots });
    },
  });
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size={14} aria-hidden />} onClick={open}>
        Remove
      </Button>
      <Modal opened={asked} onClose={close} title={`Remove ${resource.name}?`}>
        <p style={{ marginTop: 0 }}>
          It is no longer scanned, and everything that only it reports goes with it, aliases and alerts included. The hardware itself is not touched.
        </p>
        {remove.error && (
          <p role="alert" className={classes['error']}>
            {errorText(remove.error)}
          </p>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            Keep it
          </Button>
          <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>
            Remove
          </Button>
        </Group>
      </Modal>
    </>
  );
}
