import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useRef } from 'react';
import type { Schema } from '../../api/client';
import classes from './RawJSON.module.css';

/** The resource as the API has it. */
export function RawJSON({ resource }: { resource: Schema['Resource'] }) {
  const { copy, copied, error } = useClipboard();
  const pre = useRef<HTMLPreElement>(null);
  const text = JSON.stringify(resource, null, 2);
  const act = () => {
    // Without HTTPS browsers keep the clipboard from pages: what is marked can be copied by hand.
    if (pre.current) getSelection()?.selectAllChildren(pre.current);
    copy(text);
  };
  return (
    <details className={`panel ${classes['raw'] ?? ''}`}>
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
