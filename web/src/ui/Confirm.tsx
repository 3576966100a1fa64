import { Button, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { errorText } from '../api/problem';
import { ErrorNote } from './Note';

interface Props {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** The word for doing it, and the one for leaving it. */
  act: string;
  keep: string;
  pending: boolean;
  error: Error | null;
  onConfirm: () => void;
  /** It takes something away. */
  danger?: boolean;
  /** It cannot be done, whatever one wants. */
  blocked?: boolean;
  size?: string;
}

/** Asks before something is done that cannot be taken back at once. */
export function Confirm({ opened, onClose, title, children, act, keep, pending, error, onConfirm, danger = false, blocked = false, size = 'md' }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size={size}>
      {children}
      {error && <ErrorNote>{errorText(error)}</ErrorNote>}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose} data-autofocus>
          {keep}
        </Button>
        {!blocked && (
          <Button {...(danger ? { color: 'red.9' } : {})} loading={pending} onClick={onConfirm}>
            {act}
          </Button>
        )}
      </Group>
    </Modal>
  );
}
