import { Skeleton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago } from '../../ui/Time';
import classes from './Why.module.css';

interface Props {
  resource: Schema['Resource'];
  causes: Schema['Causes'] | undefined;
  graph: Schema['Graph'] | undefined;
  labels: ClassLabels;
}

const shownFirst = 3;

/** What makes the resource sick: each cause, and the way from it to here. */
export function Why({ resource, causes, graph, labels }: Props) {
  const [all, setAll] = useState(false);
  const names = useMemo(() => new Map(graph?.nodes.map((n) => [n.id, n.name])), [graph]);
  const items = causes?.items ?? [];
  const shown = all ? items : items.slice(0, shownFirst);
  return (
    <section className={classes['why']} data-health={resource.health} aria-labelledby="why">
      <h2 id="why">Why is it not well?</h2>
      {!causes && <Skeleton height={42} mt={6} />}
      <ul>
        {shown.map((cause) => (
          <li key={cause.resource.id}>
            {cause.alerts.map((a) => (
              <div key={a.id} className={classes['alert']}>
                <HealthIcon health={a.severity} />
                <span className="text">
                  <strong>{a.message}</strong> on{' '}
                  {cause.depth === 0 ? 'itself' : <ResourceLink id={cause.resource.id}>{cause.resource.name}</ResourceLink>}
                  {cause.depth > 0 && <span className="muted"> ({labels.label(fullClass(cause.resource))})</span>}
                  <span className="muted">
                    {' '}
                    · <Ago time={a.began} />
                  </span>
                </span>
              </div>
            ))}
            {cause.depth > 1 && <Path ids={[...cause.path].reverse()} names={names} here={resource.id} />}
          </li>
        ))}
      </ul>
      {items.length > shownFirst && (
        <button type="button" className={classes['more']} onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `Show all ${formatCount(causes?.total ?? items.length)} causes`}
        </button>
      )}
      {causes && items.length === 0 && <p className="muted">The cause has just gone.</p>}
    </section>
  );
}

/** The way from a cause to here, resource by resource. */
function Path({ ids, names, here }: { ids: number[]; names: Map<number, string>; here: number }) {
  return (
    <ol className={classes['path']} aria-label="The way from the cause to here">
      {ids.map((id, i) => (
        <li key={id}>
          {i > 0 && <IconChevronRight size={13} aria-hidden />}
          {id === here ? <span>here</span> : <ResourceLink id={id}>{names.get(id) ?? `resource ${id}`}</ResourceLink>}
        </li>
      ))}
    </ol>
  );
}
