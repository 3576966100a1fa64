import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import classes from './Command.module.css';

/** A command to run elsewhere, with a button that copies it. */
export function Command({ label, text }: { label: string; text: string }) {
  const { copy, copied, error } = useClipboard({ timeout: 2000 });
  return (
    <div className={classes['command']}>
      <pre tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Button variant="default" leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} onClick={() => copy(text)}>
        {copied ? 'Copied' : 'Copy'}
      </Button>
      {error && (
        <p role="alert" className="muted">
          The browser does not let the page copy; mark the text and copy it by hand.
        </p>
      )}
    </div>
  );
}
