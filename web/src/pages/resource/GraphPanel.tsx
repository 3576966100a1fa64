import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { layersQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { formatOpen, parseOpen, type Open } from '../../graph/layers';
import { LayersPanel } from '../../graph/LayersPanel';
import { useGraphView, ViewSwitch } from '../../graph/ViewSwitch';
import type { ClassLabels } from '../../ui/classes';
import classes from './GraphPanel.module.css';

/** What of the graph an address shows. */
export interface GraphSearch {
  view?: string | undefined;
  open?: string | undefined;
}

interface Props {
  id: number;
  labels: ClassLabels;
  search: GraphSearch;
  onSearch: (change: GraphSearch) => void;
}

/** Both directions of the graph around the resource. */
export function GraphPanel({ id, labels, search, onSearch }: Props) {
  const view = useGraphView(search.view);
  const open = useMemo(() => parseOpen(search.open), [search.open]);
  const onOpen = useCallback((next: Open) => onSearch({ open: formatOpen(next).join(',') }), [onSearch]);
  const { data } = useQuery(layersQuery(id, open.size > 0 ? { open: formatOpen(open) } : {}));
  const alone = data?.above === 0 && data.below === 0;
  return (
    <section className="panel" aria-labelledby="graph">
      <header>
        <h2 id="graph">Affected by, and affects</h2>
        {data && (
          <span className="muted number">
            {formatCount(data.above)} above, {formatCount(data.below)} below
          </span>
        )}
        <Link to="/topology/$id" params={{ id: String(id) }}>
          Topology
        </Link>
        <ViewSwitch label="Show the graph as" view={view} onView={(v) => onSearch({ view: v })} />
      </header>
      <div className={classes['graph']} data-view={view} data-alone={alone || undefined}>
        <LayersPanel id={id} wanted={{}} view={view} open={open} onOpen={onOpen} labels={labels} grow />
      </div>
    </section>
  );
}
