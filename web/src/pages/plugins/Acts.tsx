import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPlay, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { at, keys } from '../../api/queries';
import { formatCount } from '../../format/number';
import { Confirm } from '../../ui/Confirm';
import { ErrorNote } from '../../ui/Note';
import { Reload } from './Reload';

/** What can be done with a plugin where it runs. */
export function Acts({ plugin: p }: { plugin: Schema['Plugin'] }) {
  const client = useQueryClient();
  const [unloading, unload] = useDisclosure(false);
  const [reloading, reload] = useDisclosure(false);
  const refresh = () => client.invalidateQueries({ queryKey: keys.plugins });
  const remove = useMutation({
    mutationFn: () => data(api.DELETE('/plugins/{name}', { params: { path: { name: p.name }, query: at(p.runner) } })),
    onSuccess: async () => {
      unload.close();
      await refresh();
    },
  });
  const load = useMutation({
    mutationFn: () => data(api.POST('/plugins', { body: { name: p.name, ...at(p.runner) } })),
    onSettled: refresh,
  });
  const down = p.state === 'stopped' || p.state === 'failed';
  return (
    <>
      {down && (
        <Button leftSection={<IconPlayerPlay size={14} aria-hidden />} loading={load.isPending} onClick={() => load.mutate()}>
          Load
        </Button>
      )}
      {p.state !== 'stopped' && (
        <>
          <Button variant="default" leftSection={<IconRefresh size={14} aria-hidden />} onClick={reload.open}>
            Reload …
          </Button>
          <Button variant="default" leftSection={<IconPlayerStop size={14} aria-hidden />} onClick={unload.open}>
            Unload …
          </Button>
        </>
      )}
      {load.error && <ErrorNote>It was not loaded: {errorText(load.error)}</ErrorNote>}
      <Reload plugin={p} opened={reloading} onClose={reload.close} />
      <Confirm
        opened={unloading}
        onClose={() => {
          unload.close();
          remove.reset();
        }}
        title={`Unload ${p.name}?`}
        act="Unload"
        keep="Leave it running"
        danger
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p style={{ marginTop: 0 }}>
          {p.sessions === 0 ? 'Its process ends.' : p.sessions === 1 ? 'Its one session is torn down and its process ends.' : `Its ${formatCount(p.sessions)} sessions are torn down and its process ends.`}{' '}
          What it reported stays, stale, and its roots are offline until it is loaded again or the server starts anew.
        </p>
      </Confirm>
    </>
  );
}
