import { Button, Checkbox, Group, Modal, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { formatCount } from '../../format/number';

/** Says for a whole incident that somebody knows of it, or takes that back. */
export function AcknowledgeIncident({ incident }: { incident: Schema['Incident'] }) {
  const [asked, { open, close }] = useDisclosure(false);
  const [comment, setComment] = useState('');
  const [effects, setEffects] = useState(true);
  const client = useQueryClient();
  const causes = incident.causes.map((a) => a.id);
  const following = (incident.effects.items ?? []).map((a) => a.id);
  const refresh = () => Promise.all(['incident', 'incidents', 'timeline', 'alerts'].map((key) => client.invalidateQueries({ queryKey: [key] })));

  const acknowledge = useMutation({
    mutationFn: () => data(api.POST('/alerts/acknowledge', { body: { ids: effects ? [...causes, ...following] : causes, comment: comment.trim() } })),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  const takeBack = useMutation({
    mutationFn: () => data(api.POST('/alerts/unacknowledge', { body: { ids: [...incident.causes, ...(incident.effects.items ?? [])].filter((a) => a.acknowledged).map((a) => a.id) } })),
    onSuccess: refresh,
  });

  return (
    <>
      {incident.acknowledged ? (
        <Button variant="default" loading={takeBack.isPending} onClick={() => takeBack.mutate()}>
          Take the acknowledgement back
        </Button>
      ) : (
        <Button onClick={open}>Acknowledge</Button>
      )}
      {takeBack.error && <span role="alert">{errorText(takeBack.error)}</span>}
      <Modal opened={asked} onClose={close} title="Acknowledge the incident">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            acknowledge.mutate();
          }}
        >
          <Textarea
            label="Comment"
            description="What others should know: who sees to it, and when."
            value={comment}
            onChange={(e) => setComment(e.currentTarget.value)}
            autosize
            minRows={2}
            data-autofocus
          />
          {following.length > 0 && (
            <Checkbox
              mt="sm"
              checked={effects}
              onChange={(e) => setEffects(e.currentTarget.checked)}
              label={following.length === 1 ? 'Also the alert that follows from it' : `Also the ${formatCount(following.length)} alerts that follow from it`}
            />
          )}
          {acknowledge.error && (
            <p role="alert" style={{ color: 'var(--fl-error)' }}>
              {errorText(acknowledge.error)}
            </p>
          )}
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={acknowledge.isPending}>
              Acknowledge
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  );
}
