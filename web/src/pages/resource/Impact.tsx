import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import type { ClassLabels } from '../../ui/classes';
import { Counts } from '../../ui/Counts';
import { ResourceLink } from '../../ui/ResourceLink';
import classes from './Impact.module.css';

/** What a fault of the resource endangers, in numbers. */
export function Impact({ impact, labels }: { impact: Schema['Impact'] | undefined; labels: ClassLabels }) {
  return (
    <section className="panel" aria-labelledby="impact">
      <header>
        <h2 id="impact">If it fails</h2>
        {impact && impact.total > 0 && <span className="muted number">{formatCount(impact.total)} affected</span>}
      </header>
      <div className={classes['body']}>
        {impact?.total === 0 && <span className="muted">Nothing depends on it.</span>}
        {impact && impact.total > 0 && <Counts counts={impact.counts} labels={labels} limit={10} />}
        {impact && impact.filesystems.length > 0 && (
          <div className="text">
            File systems in danger:{' '}
            {impact.filesystems.slice(0, 10).map((f, i) => (
              <span key={f.id}>
                {i > 0 && ', '}
                <ResourceLink id={f.id}>{f.name}</ResourceLink>
              </span>
            ))}
            {impact.filesystems.length > 10 && ` and ${formatCount(impact.filesystems.length - 10)} more`}
          </div>
        )}
      </div>
    </section>
  );
}
