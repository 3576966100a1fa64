import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { Schema } from '../../api/client';
import { formatCount, formatNumber } from '../../format/number';
import { Counts } from '../../ui/Counts';
import { useClasses } from '../../ui/useClasses';
import classes from './Trial.module.css';

interface Props {
  result: Schema['ResourceTested'] | undefined;
  pending: boolean;
}

/** What came of a test of the connection, or that it is under way. */
export function Trial({ result, pending }: Props) {
  const labels = useClasses();
  return (
    <div role="status" className={classes['status']}>
      {pending && <p className="muted">The plugin scans the controller. Nothing of it is kept.</p>}
      {result && !pending && (
        <div className={classes['result']} data-ok={result.ok}>
          <p className={classes['title']}>
            {result.ok ? <IconCircleCheck size={18} aria-hidden /> : <IconCircleX size={18} aria-hidden />}
            {result.ok
              ? `It works: ${formatCount(result.resources)} ${result.resources === 1 ? 'resource' : 'resources'} found in ${formatNumber(Math.round(result.seconds * 10) / 10)} s`
              : 'The controller cannot be scanned'}
          </p>
          {result.error !== undefined && <p className={classes['error']}>{result.error}</p>}
          {result.resources > 0 && <Counts counts={result.counts} labels={labels} />}
          {result.incomplete.length > 0 && (
            <details>
              <summary>{result.incomplete.length === 1 ? 'One part' : `${formatCount(result.incomplete.length)} parts`} could not be read</summary>
              <ul>
                {result.incomplete.map((text, i) => (
                  <li key={i}>{text}</li>
                ))}
              </ul>
            </details>
          )}
          {result.detail !== undefined && (
            <details>
              <summary>What the plugin says{result.kind === undefined ? '' : ` (${result.kind})`}</summary>
              <pre>{result.detail}</pre>
            </details>
          )}
        </div>
      )}
    </div>
  );
}
