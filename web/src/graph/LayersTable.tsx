import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Schema } from '../api/client';
import { formatCount } from '../format/number';
import type { ClassLabels } from '../ui/classes';
import { healthName, worst } from '../ui/health';
import { HealthIcon } from '../ui/HealthIcon';
import { ResourceLink } from '../ui/ResourceLink';
import { StaleMark } from '../ui/StaleMark';
import { layerRows, pageOf, pageSize, type LayerRow } from './layers';
import classes from './LayersPanel.module.css';

interface Props {
  layers: Schema['Layers'];
  labels: ClassLabels;
  /** Opens a group at a member, or folds it. */
  set: (key: string, first: number | undefined) => void;
  grow: boolean;
}

/** The layers of a graph as a table, for the keyboard and for screen readers. */
export function LayersTable({ layers, labels, set, grow }: Props) {
  const list = useMemo(() => layerRows(layers), [layers]);
  const names = useMemo(() => {
    const out = new Map(layers.nodes.map((n) => [String(n.id), n.name]));
    for (const g of layers.groups) out.set(g.key, `${formatCount(g.folded)} × ${labels.label(`${g.plugin}.${g.class}`)}`);
    return out;
  }, [layers, labels]);
  return (
    <div className={classes['scroller']} data-grow={grow || undefined} tabIndex={0} role="region" aria-label="The graph as a table">
      <table className={`plain ${classes['table'] ?? ''}`}>
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col" className={classes['class']}>
              Class
            </th>
            <th scope="col">Health</th>
            <th scope="col" className={classes['fromHead']}>
              Linked to
            </th>
            <th scope="col">Look further</th>
          </tr>
        </thead>
        {list.map(({ depth, rows }) => (
          <tbody key={depth}>
            <tr>
              <th scope="rowgroup" colSpan={5}>
                {layerName(depth, rows)}
              </th>
            </tr>
            {rows.map((row) => (
              <Row key={row.key} row={row} labels={labels} names={names} set={set} />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function layerName(depth: number, rows: LayerRow[]): string {
  if (depth === 0) return 'Here';
  let count = 0;
  for (const r of rows) count += r.node ? 1 : (r.group?.folded ?? 0);
  const steps = Math.abs(depth);
  const where = depth < 0 ? 'above, which can make it sick' : 'below, which it can make sick';
  return `${formatCount(steps)} ${steps === 1 ? 'step' : 'steps'} ${where}: ${formatCount(count)}`;
}

function Row({ row, labels, names, set }: { row: LayerRow; labels: ClassLabels; names: Map<string, string>; set: Props['set'] }) {
  const { node, group, from } = row;
  const label = labels.label(row.class);
  const health = node ? node.health : worst(group?.health ?? { ok: 0, info: 0, warning: 0, error: 0 });
  const sick = group ? group.folded - group.health.ok : 0;
  const linked = from.slice(0, 3).map((k) => names.get(k) ?? '');
  return (
    <tr className={row.depth === 0 ? classes['start'] : undefined}>
      <th scope="row">
        <span className={classes['name']}>
          <HealthIcon health={health} silent />
          {node ? (
            <span>
              <ResourceLink id={node.id}>{node.name}</ResourceLink>
              {node.stale && <StaleMark />}
            </span>
          ) : (
            <span className="number">{group && group.folded > 0 ? `${formatCount(group.folded)} × ${label}` : `All ${label} are shown`}</span>
          )}
        </span>
      </th>
      <td className={classes['class']}>{label}</td>
      <td>{node ? healthName(health) : sick > 0 ? `${formatCount(sick)} not well` : (group?.folded ?? 0) > 0 ? 'all well' : ''}</td>
      <td className={classes['from']}>
        {linked.join(', ')}
        {from.length > linked.length && ` and ${formatCount(from.length - linked.length)} more`}
      </td>
      <td>
        <div className={classes['actions']}>
          {node ? (
            row.depth !== 0 && (
              <Link to="/topology/$id" params={{ id: row.key }} aria-label={`Around it: topology of ${node.name}`}>
                Around it
              </Link>
            )
          ) : (
            group && <GroupActions group={group} label={label} set={set} />
          )}
        </div>
      </td>
    </tr>
  );
}

function GroupActions({ group, label, set }: { group: Schema['LayerGroup']; label: string; set: Props['set'] }) {
  const open = group.first >= 0;
  const { from, to, previous, next } = pageOf(group);
  // One button for both, so that the keyboard stays where it is.
  return (
    <>
      <button
        type="button"
        className={classes['button']}
        aria-expanded={open}
        aria-label={open ? `Fold ${label}` : `Show the first ${formatCount(Math.min(pageSize, group.total))} of ${formatCount(group.total)} ${label}`}
        onClick={() => set(group.key, open ? undefined : 0)}
      >
        {open ? 'Fold' : 'Show'}
      </button>
      {open && (
        <span className="muted number">
          {formatCount(from)}–{formatCount(to)}
        </span>
      )}
      {open && group.total > pageSize && (
        <>
          <PageButton name="Previous" label={label} first={previous} go={(first) => set(group.key, first)} />
          <PageButton name="Next" label={label} first={next} go={(first) => set(group.key, first)} />
        </>
      )}
    </>
  );
}

function PageButton({ name, label, first, go }: { name: string; label: string; first: number | undefined; go: (first: number) => void }) {
  return (
    <button
      type="button"
      className={classes['button']}
      aria-label={`${name} ${label}`}
      aria-disabled={first === undefined}
      onClick={() => {
        if (first !== undefined) go(first);
      }}
    >
      {name}
    </button>
  );
}
