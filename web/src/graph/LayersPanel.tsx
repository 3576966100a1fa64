import { ActionIcon, Skeleton } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo } from 'react';
import type { Schema } from '../api/client';
import { errorText } from '../api/problem';
import { layersQuery, type LayersView } from '../api/queries';
import { formatCount } from '../format/number';
import type { ClassLabels } from '../ui/classes';
import { Message } from '../ui/Message';
import { formatOpen, pageOf, pageSize, toItems, withGroup, type Open } from './layers';
import classes from './LayersPanel.module.css';
import { LayersTable } from './LayersTable';
import type { GraphView } from './ViewSwitch';

// The drawing and its layout engine are large; a table needs neither.
const loadDrawing = () => import('./Drawing').then((m) => ({ default: m.Drawing }));
const Drawing = lazy(loadDrawing);

interface Props {
  id: number;
  /** What of the graph is shown. */
  wanted: Omit<LayersView, 'open'>;
  view: GraphView;
  open: Open;
  onOpen: (open: Open) => void;
  labels: ClassLabels;
  /** The table takes the room it needs and the page scrolls. */
  grow?: boolean;
}

/**
 * The graph around a resource with large fans folded, as a drawing or as a
 * table. Both open, page and fold the same groups.
 */
export function LayersPanel({ id, wanted, view, open, onOpen, labels, grow = false }: Props) {
  const { data, error } = useQuery(layersQuery(id, { ...wanted, ...(open.size > 0 ? { open: formatOpen(open) } : {}) }));
  // They come together with the graph, not after it.
  useEffect(() => {
    if (view === 'drawing') void loadDrawing();
  }, [view]);
  const graph = useMemo(() => data && toItems(data), [data]);
  const set = useCallback((key: string, first: number | undefined) => onOpen(withGroup(open, key, first)), [onOpen, open]);
  // Of a group that is open, the box of those not shown leads to the next page.
  const unfold = useCallback(
    (key: string) => {
      const group = data?.groups.find((g) => g.key === key);
      set(key, group && group.first >= 0 ? (pageOf(group).next ?? 0) : 0);
    },
    [data, set],
  );
  if (error && !data) {
    return (
      <Message title="The graph cannot be read" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  if (!data || !graph) return <Skeleton height="100%" mih={240} radius={0} />;
  const opened = data.groups.filter((g) => g.first >= 0);
  return (
    <>
      {(opened.length > 0 || data.more || view === 'drawing') && (
        <div className={classes['bar']}>
          {opened.length > 0 && (
            <ul className={classes['chips']} aria-label="Open groups">
              {opened.map((g) => (
                <Chip key={g.key} group={g} labels={labels} set={set} />
              ))}
            </ul>
          )}
          {data.more && <span className="muted">Deeper layers are left out.</span>}
          {view === 'drawing' && <Legend />}
        </div>
      )}
      <div className={classes['body']}>
        {view === 'table' ? (
          <LayersTable layers={data} labels={labels} set={set} grow={grow} />
        ) : data.nodes.length === 1 && data.groups.length === 0 ? (
          <Message title="It stands alone here">
            <p>{wanted.toward === undefined ? 'Nothing affects it, and it affects nothing.' : 'There is nothing on the way.'}</p>
          </Message>
        ) : (
          <Suspense fallback={<Skeleton height="100%" radius={0} />}>
            <Drawing graph={graph} start={id} labels={labels} unfold={unfold} />
          </Suspense>
        )}
      </div>
    </>
  );
}

function Chip({ group, labels, set }: { group: Schema['LayerGroup']; labels: ClassLabels; set: (key: string, first: number | undefined) => void }) {
  const label = labels.label(`${group.plugin}.${group.class}`);
  const { from, to, previous, next } = pageOf(group);
  return (
    <li className={classes['chip']}>
      <span className="number">
        {label} {formatCount(from)}–{formatCount(to)} of {formatCount(group.total)}
      </span>
      {group.total > pageSize && (
        <>
          <ActionIcon variant="subtle" size={24} disabled={previous === undefined} aria-label={`Previous ${label}`} onClick={() => set(group.key, previous)}>
            <IconChevronLeft size={14} aria-hidden />
          </ActionIcon>
          <ActionIcon variant="subtle" size={24} disabled={next === undefined} aria-label={`Next ${label}`} onClick={() => set(group.key, next)}>
            <IconChevronRight size={14} aria-hidden />
          </ActionIcon>
        </>
      )}
      <ActionIcon variant="subtle" size={24} color="gray" aria-label={`Fold ${label}`} onClick={() => set(group.key, undefined)}>
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </li>
  );
}

/** How the lines are told apart. */
function Legend() {
  return (
    <p className={classes['legend']}>
      {(
        [
          ['error', 'an error comes along'],
          ['warning', 'a warning comes along'],
          ['ok', 'fine'],
        ] as const
      ).map(([health, text]) => (
        <span key={health}>
          <svg width="26" height="6" aria-hidden="true">
            <path d="M0 3h26" className={classes[health]} />
          </svg>
          {text}
        </span>
      ))}
    </p>
  );
}
