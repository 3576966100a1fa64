import { Skeleton } from '@mantine/core';
import { IconChartLine, IconCheck, IconEye, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { historyQuery } from '../../api/queries';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { When } from '../../ui/Time';
import { facts, itemKey, plainWords } from './history';
import classes from './History.module.css';

interface Props {
  /** The resource, which may be gone. */
  id: number;
  /** Shows the charts around a point in time; none if there are no charts. */
  onMoment?: ((time: number) => void) | undefined;
}

/** What happened to a resource: how it changed, and its alerts. Nothing is drawn of one that nothing is known of. */
export function History({ id, onMoment }: Props) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(historyQuery(id));
  const items = data?.pages.flatMap((p) => p.items);
  const last = data?.pages.at(-1);
  // The first of the earlier items: the keyboard and the screen reader go on there.
  const [reading, setReading] = useState<string>();
  const first = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (reading !== undefined) first.current?.focus();
  }, [reading]);
  const showEarlier = async () => {
    const next = (await fetchNextPage()).data?.pages.at(-1)?.items[0];
    if (next) setReading(itemKey(next));
  };
  if (error instanceof ProblemError && error.status === 404) return null;
  return (
    <section className="panel" aria-labelledby="history">
      <header>
        <h2 id="history">History</h2>
      </header>
      {!items && (error ? <p className={classes['note']}>{errorText(error)}</p> : <Skeleton height={60} radius={0} />)}
      <ol className={classes['list']}>
        {items?.map((item) => {
          const key = itemKey(item);
          return (
            <li key={key} ref={key === reading ? first : undefined} tabIndex={key === reading ? -1 : undefined}>
              <Item item={item} resource={id} onMoment={onMoment} />
            </li>
          );
        })}
      </ol>
      {hasNextPage && (
        <button type="button" className={classes['more']} disabled={isFetchingNextPage} onClick={() => void showEarlier()}>
          Show earlier
        </button>
      )}
      {last && last.next === undefined && last.kept_since !== null && (items?.at(-1)?.time ?? '') < last.kept_since && (
        <p className={classes['note']}>
          Changes from before <When time={last.kept_since} /> are not known.
        </p>
      )}
    </section>
  );
}

function Item({ item, resource, onMoment }: { item: Schema['HistoryItem']; resource: number; onMoment: Props['onMoment'] }) {
  const list = facts(item, resource);
  return (
    <>
      <span className={classes['time']}>
        <When time={item.time} />
      </span>
      <Sign item={item} />
      <span className={classes['text']}>
        {list.map((fact, i) => (
          <span key={i} className={classes['fact']}>
            {fact.map((part, k) =>
              typeof part === 'string' ? (
                part
              ) : (
                <ResourceLink key={k} id={part.id}>
                  {part.name}
                </ResourceLink>
              ),
            )}
          </span>
        ))}
      </span>
      {onMoment && (
        <button type="button" className={classes['show']} aria-label={`Show the charts around: ${plainWords(list)}`} title="Show the charts around it" onClick={() => onMoment(Date.parse(item.time))}>
          <IconChartLine size={15} aria-hidden />
        </button>
      )}
    </>
  );
}

const signs: Partial<Record<Schema['HistoryKind'], typeof IconPencil>> = {
  alert_ended: IconCheck,
  alert_acknowledged: IconEye,
  created: IconPlus,
  deleted: IconTrash,
};

function Sign({ item: { kind, alert } }: { item: Schema['HistoryItem'] }) {
  if (kind === 'alert_began' && alert) return <HealthIcon health={alert.severity} silent />;
  const Icon = signs[kind] ?? IconPencil;
  return <Icon size={16} className={kind === 'alert_ended' ? classes['ended'] : classes['quiet']} aria-hidden />;
}
