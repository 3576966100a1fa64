import type { Schema } from '../../api/client';
import { Note } from '../../ui/Note';
import { Until } from '../../ui/Time';
import classes from './PluginPage.module.css';
import { pluginHealth, problemText } from './words';

/** All that is wrong with a plugin, and what to do about it. */
export function Problems({ plugin: p }: { plugin: Schema['Plugin'] }) {
  if (p.error === '' && p.problems.length === 0 && p.rejected === undefined) return null;
  const health = pluginHealth(p);
  return (
    <Note health={health}>
      {p.rejected !== undefined && (
        <div>
          <strong>Its present files were not taken in; the version before them goes on.</strong>
          <pre className={classes['error']}>{p.rejected}</pre>
        </div>
      )}
      {p.error !== '' && <pre className={classes['error']}>{p.error}</pre>}
      {p.next_try !== undefined && (
        <div>
          It is started again <Until time={p.next_try} />.
        </div>
      )}
      {p.problems.length > 0 && (
        <ol className={classes['problems']}>
          {p.problems.map((x, i) => (
            <li key={i}>
              {problemText(x)}
              {x.fix !== undefined && <div>{x.fix}</div>}
              <div className={classes['where']}>
                {x.file !== undefined && (
                  <code>
                    {x.file}
                    {x.line !== undefined && `:${x.line}`}
                  </code>
                )}
                {x.code !== undefined && (
                  <>
                    {' '}
                    <code>faultline plugin explain {x.code}</code>
                  </>
                )}
              </div>
            </li>
          ))}
        </ol>
      )}
    </Note>
  );
}
