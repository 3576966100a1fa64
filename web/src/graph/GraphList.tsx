import { IconChevronRight } from '@tabler/icons-react';
import { useId, useMemo, useState } from 'react';
import type { Schema } from '../api/client';
import { formatCount } from '../format/number';
import { fullClass, type ClassLabels } from '../ui/classes';
import { HealthIcon } from '../ui/HealthIcon';
import { ResourceLink } from '../ui/ResourceLink';
import { StaleMark } from '../ui/StaleMark';
import { branches, foldAbove, unfoldBy, type Branch } from './collapse';
import classes from './GraphList.module.css';

interface Props {
  graph: Schema['Graph'];
  start: number;
  direction: Schema['Direction'];
  labels: ClassLabels;
  /** Said if there is nothing in this direction. */
  none: string;
}

/** One direction of the graph as lists in lists, for the keyboard and for screen readers. */
export function GraphList({ graph, start, direction, labels, none }: Props) {
  const list = useMemo(() => branches(graph, start, direction), [graph, start, direction]);
  if (list.length === 0) return <p className={classes['none']}>{none}</p>;
  return <Level list={list} direction={direction} labels={labels} depth={0} />;
}

interface LevelProps {
  list: Branch[];
  direction: Schema['Direction'];
  labels: ClassLabels;
  depth: number;
}

/** The neighbours of one resource: small classes one by one, large ones folded. */
function Level({ list, direction, labels, depth }: LevelProps) {
  const fans = new Map<string, Branch[]>();
  for (const b of list) {
    const full = fullClass(b.node);
    const fan = fans.get(full);
    if (fan) fan.push(b);
    else fans.set(full, [b]);
  }
  return (
    <ul className={classes['list']}>
      {[...fans].map(([full, fan]) => {
        // As in the drawing: what is sick above the resource stays in sight.
        const kept = fan.length <= foldAbove ? fan.length : direction === 'up' ? Math.min(4, fan.filter((b) => b.node.health !== 'ok').length) : 0;
        const folded = fan.slice(kept);
        return [
          ...fan.slice(0, kept).map((b) => <Entry key={b.node.id} branch={b} direction={direction} labels={labels} depth={depth} />),
          folded.length > 0 && <Fold key={full} list={folded} full={full} direction={direction} labels={labels} depth={depth} />,
        ];
      })}
    </ul>
  );
}

function Entry({ branch, direction, labels, depth }: { branch: Branch; direction: Schema['Direction']; labels: ClassLabels; depth: number }) {
  const { node } = branch;
  // The way to a cause lies open; below, only the nearest do.
  const [open, setOpen] = useState(depth < 1 || (direction === 'up' && node.health !== 'ok' && depth < 6));
  const id = useId();
  const more = branch.branches.length > 0;
  return (
    <li>
      <div className={classes['entry']}>
        {more ? (
          <button
            type="button"
            className={classes['toggle']}
            aria-expanded={open}
            aria-controls={id}
            aria-label={`${direction === 'up' ? 'What affects' : 'What is affected by'} ${node.name}`}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size={14} aria-hidden />
          </button>
        ) : (
          <span className={classes['gap']} />
        )}
        <HealthIcon health={node.health} size={15} />
        <ResourceLink id={node.id}>{node.name}</ResourceLink>
        <span className={classes['class']}>{labels.label(fullClass(node))}</span>
        {node.stale && <StaleMark />}
      </div>
      {more && <div id={id}>{open && <Level list={branch.branches} direction={direction} labels={labels} depth={depth + 1} />}</div>}
    </li>
  );
}

function Fold({ list, full, direction, labels, depth }: LevelProps & { full: string }) {
  const [shown, setShown] = useState(0);
  const id = useId();
  const sick = list.filter((b) => b.node.health !== 'ok').length;
  const worst = list[0]?.node.health ?? 'ok';
  return (
    <li>
      <div className={classes['entry']}>
        <button
          type="button"
          className={classes['toggle']}
          aria-expanded={shown > 0}
          aria-controls={id}
          aria-label={`${formatCount(list.length)} of class ${labels.label(full)}`}
          onClick={() => setShown(shown > 0 ? 0 : unfoldBy)}
        >
          <IconChevronRight size={14} aria-hidden />
        </button>
        <HealthIcon health={worst} size={15} />
        <span>
          <b className="number">{formatCount(list.length)}</b> × {labels.label(full)}
        </span>
        <span className={classes['class']}>{sick > 0 ? `${formatCount(sick)} not well` : 'all well'}</span>
      </div>
      <div id={id}>
        {shown > 0 && (
          <ul className={classes['list']}>
            {list.slice(0, shown).map((b) => (
              <Entry key={b.node.id} branch={b} direction={direction} labels={labels} depth={depth + 1} />
            ))}
            {list.length > shown && (
              <li>
                <button type="button" className={classes['more']} onClick={() => setShown(shown + unfoldBy)}>
                  Show {formatCount(Math.min(unfoldBy, list.length - shown))} more of {formatCount(list.length - shown)}
                </button>
              </li>
            )}
          </ul>
        )}
      </div>
    </li>
  );
}
