import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, data, type Schema } from '../../api/client';
import { keys, volumesQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import type { ClassLabels } from '../../ui/classes';
import { Confirm } from '../../ui/Confirm';
import { Counts } from '../../ui/Counts';
import classes from './HostPage.module.css';
import { reported } from './list';

/** Removes a host, after saying what goes with it. */
export function RemoveHost({ host, labels }: { host: Schema['Host']; labels: ClassLabels }) {
  const [asked, { open, close }] = useDisclosure(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: primary } = useInfiniteQuery({ ...volumesQuery({ primary: String(host.id), limit: 100 }), enabled: asked });
  const page = primary?.pages[0];
  const remove = useMutation({
    mutationFn: () => data(api.DELETE('/hosts/{id}', { params: { path: { id: host.id } } })),
    onSuccess: async () => {
      close();
      await navigate({ to: '/hosts' });
      client.removeQueries({ queryKey: keys.host(host.id) });
      await client.invalidateQueries({ queryKey: keys.hosts });
    },
  });
  const n = reported(host);
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size={14} aria-hidden />} onClick={open}>
        Remove
      </Button>
      <Confirm
        opened={asked}
        onClose={close}
        title={`Remove ${host.name}?`}
        act="Remove"
        keep="Keep it"
        danger
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
        size="lg"
      >
        <p style={{ marginTop: 0 }}>
          {n === 0
            ? 'Its agent has reported nothing, so nothing goes with it.'
            : `Of the ${formatCount(n)} resources that its agent reports, all go that nobody else reports too, with their aliases, alerts and statistics:`}
        </p>
        {n > 0 && <Counts counts={host.reports ?? {}} labels={labels} limit={12} />}
        <ul className={classes['list']}>
          {host.volumes > 0 && (
            <li>
              {host.volumes === 1 ? 'One volume loses' : `${formatCount(host.volumes)} volumes lose`} a way to it
              {page && page.items.length > 0 && (
                <>
                  ; it is the primary of {page.next === undefined ? formatCount(page.items.length) : 'more than 100'}
                  {page.items.some((v) => v.used_by.length > 0) && ', also of some on which targets lie'}
                </>
              )}
              .
            </li>
          )}
          <li>Its certificate is revoked: an agent that still runs there is refused until the host is registered anew.</li>
          <li>Nothing is changed on the machine itself; the agent stays installed.</li>
        </ul>
      </Confirm>
    </>
  );
}
