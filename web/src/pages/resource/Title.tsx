import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPencil, IconSettings, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { keys } from '../../api/queries';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { Confirm } from '../../ui/Confirm';
import { Heading } from '../../ui/Heading';
import { healthName } from '../../ui/health';
import { StaleMark } from '../../ui/StaleMark';
import { standingHints } from '../../ui/standing';
import { AliasForm } from './AliasForm';

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
    <Heading
      trail={
        <>
          {resource.plugin} ›{' '}
          <Link to="/resources/$plugin/$class" params={{ plugin: resource.plugin, class: resource.class }}>
            {labels.label(fullClass(resource))}
          </Link>
        </>
      }
      health={resource.health}
      standing={resource.standing}
      title={resource.name}
      state={healthName(resource.health)}
      instead={editing ? <AliasForm resource={resource} onClose={close} /> : undefined}
      afterTitle={
        !editing && (
          <Tooltip label="Give it another name">
            <ActionIcon ref={pencil} variant="subtle" color="gray" aria-label="Edit the name" onClick={() => setEditing(true)}>
              <IconPencil size={16} />
            </ActionIcon>
          </Tooltip>
        )
      }
      afterState={resource.stale && <StaleMark />}
      note={
        <>
          {resource.alias !== null && !editing && <div className="muted">The plugin calls it {resource.label}.</div>}
          {resource.standing && <div className="muted">{standingHints[resource.standing]}</div>}
        </>
      }
    >
      {resource.deletable && !editing && (
        <>
          <Button component={Link} to={`/resource/${resource.id}/edit`} variant="default" leftSection={<IconSettings size={14} aria-hidden />}>
            Edit
          </Button>
          <Remove resource={resource} />
        </>
      )}
    </Heading>
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
      <Confirm
        opened={asked}
        onClose={close}
        title={`Remove ${resource.name}?`}
        act="Remove"
        keep="Keep it"
        danger
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p style={{ marginTop: 0 }}>
          It is no longer scanned, and everything that only it reports goes with it, aliases and alerts included. The hardware itself is not touched.
        </p>
      </Confirm>
    </>
  );
}
