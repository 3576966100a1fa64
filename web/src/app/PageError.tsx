import { Button } from '@mantine/core';
import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { errorText } from '../api/problem';
import { Message } from '../ui/Message';

/** Shown in place of a page that failed. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <Message page title="This page failed" alert>
      <p>{errorText(error)}</p>
      <Button onClick={reset}>Try again</Button>
    </Message>
  );
}

/** Shown for an address that is none of ours. */
export function NotFound() {
  return (
    <Message page title="There is no such page">
      <p>
        The <Link to="/">overview</Link> leads to everything there is.
      </p>
    </Message>
  );
}
