import { Button, PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keepToken } from '../api/token';

/** Asks for the token. A token is tried on the server before it is kept. */
export function SignIn() {
  const client = useQueryClient();
  const [value, setValue] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);

  async function submit(): Promise<void> {
    setBusy(true);
    setError('');
    try {
      const response = await fetch('/api/v1/status', { headers: { Authorization: `Bearer ${value.trim()}` } });
      if (response.ok) {
        keepToken(value.trim());
        await client.resetQueries();
        return;
      }
      setError(response.status === 401 ? 'The server does not know this token.' : `The server answered ${response.status}.`);
    } catch {
      setError('The server does not answer, or the token has characters that no token has.');
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p style={{ marginTop: 0 }} className="muted">
        This server asks for a token. <code>faultline token create</code> on the server makes one. It is kept until you close this tab.
      </p>
      <PasswordInput label="Token" value={value} onChange={(e) => setValue(e.currentTarget.value)} error={error} autoFocus autoComplete="off" data-autofocus />
      <Button type="submit" mt="md" fullWidth loading={busy} disabled={value.trim() === ''}>
        Sign in
      </Button>
    </form>
  );
}
