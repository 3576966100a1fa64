import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useRef } from 'react';
import type { Schema } from '../../api/client';
import classes from './RawJSON.module.css';

/** The resource as the API has it. */
export function RawJSON({ resource, open, onOpen }: { resource: Schema['Resource']; open: boolean; onOpen: (open: boolean) => void }) {
  const { copy, copied, error } = useClipboard();
  const pre = useRef<HTMLPreElement>(null);
  const text = JSON.stringify(resource, null, 2);
  const act = () => {
    // Without HTTPS browsers keep the clipboard from pages: what is marked can be copied by hand.
    if (pre.current) getSelection()?.selectAllChildren(pre.current);
    copy(text);
  };
  return (
    <details className={`panel ${classes['raw'] ?? ''}`} open={open} onToggle={(e) => e.currentTarget.open !== open && onOpen(e.currentTarget.open)}>
      <summary>Raw JSON</summary>
      <div className={classes['body']}>
        <Button variant="default" className={classes['copy'] ?? ''} leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} onClick={act}>
          {copied ? 'Copied' : 'Copy'}
        </Button>
        {error && <p role="status">The browser does not let the page copy. The text is marked: copy it with the keyboard.</p>}
        <pre ref={pre} tabIndex={0} aria-label="Raw JSON" role="region">
          {text}
        </pre>
      </div>
    </details>
  );
}
