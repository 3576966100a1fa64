import { Background, BackgroundVariant, BaseEdge, Controls, Handle, Position, ReactFlow, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { IconFocus2 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { formatCount } from '../format/number';
import { fullClass, type ClassLabels } from '../ui/classes';
import type { Health } from '../ui/health';
import { HealthIcon } from '../ui/HealthIcon';
import classes from './Drawing.module.css';
import type { Folded, Item } from './layers';
import { itemSize, layOut, roundedPath, type Layout, type Point } from './layout';

type ItemNode = Node<{ item: Item; start: boolean; labels: ClassLabels; unfold: (key: string) => void }, 'item'>;
type PathEdge = Edge<{ points: Point[]; health: Health }, 'path'>;

/** Left free around a drawing; the buttons stand at the bottom. */
const room = { x: '24px', top: '20px', bottom: '52px' } as const;

/** The least zoom at which names can be read without effort. */
const readable = 0.8;

/**
 * How far to shift a drawing along one axis at the readable zoom: a point
 * comes to the middle of the frame, but no empty room beyond the drawing's
 * ends into sight.
 */
function offset(point: number, low: number, size: number, frame: number): number {
  const margin = 24;
  if (size * readable <= frame - 2 * margin) return frame / 2 - (low + size / 2) * readable;
  const most = margin - low * readable;
  const least = frame - margin - (low + size) * readable;
  return Math.min(most, Math.max(least, frame / 2 - point * readable));
}

const nodeTypes = { item: ItemBox };
const edgeTypes = { path: PathLine };

interface Props {
  graph: Folded;
  start: number;
  labels: ClassLabels;
  /** Called with the key of a group that the reader wants to look into. */
  unfold: (key: string) => void;
}

/** Draws resources, groups and their links in layers, causes on the left. */
export function Drawing({ graph, start, labels, unfold }: Props) {
  const [drawn, setDrawn] = useState<{ graph: Folded; layout: Layout } | undefined>();
  const [failed, setFailed] = useState(false);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let wanted = true;
    layOut(graph)
      .then((layout) => {
        // The old drawing stays until the new one is ready.
        if (wanted) setDrawn({ graph, layout });
      })
      .catch(() => {
        if (wanted) setFailed(true);
      });
    return () => {
      wanted = false;
    };
  }, [graph]);

  const nodes = useMemo<ItemNode[]>(() => {
    return (drawn?.graph.items ?? []).map((item) => ({
      id: item.key,
      type: 'item',
      position: drawn?.layout.items.get(item.key) ?? { x: 0, y: 0 },
      data: { item, start: item.kind === 'resource' && item.node.id === start, labels, unfold },
      ...itemSize,
    }));
  }, [drawn, start, labels, unfold]);

  const edges = useMemo<PathEdge[]>(
    () =>
      (drawn?.graph.links ?? [])
        .map((link): PathEdge => {
          const id = `${link.source}>${link.target}`;
          return { id, type: 'path', source: link.source, target: link.target, data: { points: drawn?.layout.links.get(id) ?? [], health: link.health } };
        })
        // Sick paths lie on top.
        .sort((a, b) => Number(a.data?.health !== 'ok') - Number(b.data?.health !== 'ok')),
    [drawn],
  );

  if (failed) return <p className={classes['note']}>The drawing could not be made. The table shows the same.</p>;
  if (!drawn) return <p className={classes['note']}>Drawing …</p>;
  return (
    <div className={classes['frame']}>
      <ReactFlow
        ref={box}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        // The page scrolls under the pointer; zooming takes a key or the buttons.
        zoomOnScroll={false}
        preventScrolling={false}
        zoomActivationKeyCode="Control"
        onInit={(flow) => {
          void flow.fitView({ maxZoom: 1, padding: room }).then(() => {
            const frame = box.current;
            const at = drawn.layout.items.get(String(start));
            // What does not fit in a readable size shows the resource and what is around it.
            if (flow.getZoom() < readable && at && frame) {
              const bounds = flow.getNodesBounds(flow.getNodes());
              void flow.setViewport({
                x: offset(at.x + itemSize.width / 2, bounds.x, bounds.width, frame.clientWidth),
                y: offset(at.y + itemSize.height / 2, bounds.y, bounds.height, frame.clientHeight),
                zoom: readable,
              });
            }
          });
        }}
        minZoom={0.1}
        maxZoom={1.5}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
        <Controls showInteractive={false} orientation="horizontal" fitViewOptions={{ maxZoom: 1, padding: room }} />
      </ReactFlow>
    </div>
  );
}

function ItemBox({ data: { item, start, labels, unfold } }: NodeProps<ItemNode>) {
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      {item.kind === 'resource' ? (
        <Link
          to="/resource/$id"
          params={{ id: String(item.node.id) }}
          className={`${classes['item'] ?? ''} nopan`}
          data-health={item.node.health}
          data-start={start || undefined}
          data-stale={item.node.stale || undefined}
          aria-current={start ? 'true' : undefined}
        >
          <HealthIcon health={item.node.health} size={18} />
          <span className={classes['words']}>
            <span className={classes['name']} title={item.node.name}>
              {item.node.name}
            </span>
            <span className={classes['class']}>
              {labels.label(fullClass(item.node))}
              {item.node.stale && ' · stale'}
            </span>
          </span>
        </Link>
      ) : (
        <button type="button" className={`${classes['item'] ?? ''} ${classes['group'] ?? ''} nopan`} data-health={item.health} onClick={() => unfold(item.key)}>
          <HealthIcon health={item.health} size={18} />
          <span className={classes['words']}>
            <span className={classes['name']}>
              {formatCount(item.count)} × {labels.label(item.class)}
            </span>
            <span className={classes['class']}>{item.sick > 0 ? `${formatCount(item.sick)} not well · show` : 'all well · show'}</span>
          </span>
        </button>
      )}
      {item.kind === 'resource' && !start && (
        <Link to="/topology/$id" params={{ id: item.key }} className={`${classes['around'] ?? ''} nopan`} aria-label={`Topology around ${item.node.name}`} title="Topology around it">
          <IconFocus2 size={14} aria-hidden />
        </Link>
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function PathLine({ data }: EdgeProps<PathEdge>) {
  return <BaseEdge path={roundedPath(data?.points ?? [])} className={classes[data?.health ?? 'ok']} interactionWidth={0} />;
}
