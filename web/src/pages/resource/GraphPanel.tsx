import { SegmentedControl, Skeleton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { lazy, Suspense } from 'react';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { GraphList } from '../../graph/GraphList';
import type { ClassLabels } from '../../ui/classes';
import classes from './GraphPanel.module.css';

// The drawing and its layout engine are large; a list needs neither.
const Drawing = lazy(() => import('../../graph/Drawing').then((m) => ({ default: m.Drawing })));

interface Props {
  graph: Schema['Graph'] | undefined;
  impact: Schema['Impact'] | undefined;
  start: number;
  labels: ClassLabels;
  view: string | undefined;
  onView: (view: string) => void;
}

/** Both directions of the graph, drawn or as lists. */
export function GraphPanel({ graph, impact, start, labels, view, onView }: Props) {
  const wide = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false });
  const chosen = view === 'list' || view === 'drawing' ? view : wide ? 'drawing' : 'list';
  const up = graph?.nodes.filter((n) => n.depth < 0).length ?? 0;
  const alone = graph?.nodes.length === 1;
  return (
    <section className="panel" aria-labelledby="graph">
      <header>
        <h2 id="graph">Affected by, and affects</h2>
        {graph && (
          <span className="muted number">
            {formatCount(up)} above, {formatCount(impact?.total ?? 0)} below
          </span>
        )}
        <SegmentedControl
          size="xs"
          aria-label="Show the graph as"
          value={chosen}
          onChange={onView}
          data={[
            { value: 'drawing', label: 'Drawing' },
            { value: 'list', label: 'List' },
          ]}
        />
      </header>
      {graph?.truncated === true && <p className={classes['cut']}>Only the nearest 1,000 in each direction are shown.</p>}
      {!graph ? (
        <Skeleton height={chosen === 'drawing' ? 460 : 180} radius={0} />
      ) : chosen === 'drawing' ? (
        <div className={classes['drawing']} data-alone={alone || undefined}>
          {alone ? (
            <p className={classes['alone']}>Nothing affects it, and it affects nothing.</p>
          ) : (
            <Suspense fallback={<p className={classes['alone']}>Drawing …</p>}>
              <Drawing graph={graph} start={start} labels={labels} />
            </Suspense>
          )}
        </div>
      ) : (
        <div className={classes['lists']}>
          <section aria-labelledby="above">
            <h3 id="above">Affected by</h3>
            <GraphList graph={graph} start={start} direction="up" labels={labels} none="Nothing that is known can make it sick." />
          </section>
          <section aria-labelledby="below">
            <h3 id="below">Affects</h3>
            <GraphList graph={graph} start={start} direction="down" labels={labels} none="Nothing depends on it." />
          </section>
        </div>
      )}
    </section>
  );
}
