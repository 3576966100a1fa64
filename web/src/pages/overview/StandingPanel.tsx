import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { formatCount, formatShort } from '../../format/number';
import { ResourceLink } from '../../ui/ResourceLink';
import { standingHints, standingName, standingStates } from '../../ui/standing';
import { StandingMark } from '../../ui/StandingMark';
import { StaleMark } from '../../ui/StaleMark';
import classes from './StandingPanel.module.css';

interface Props {
  title: string;
  kind: Schema['StandingKind'] | undefined;
  /** Said if there is none of the kind. */
  none: React.ReactNode;
  limit: number;
}

/** How many of a kind are down, degraded, at risk and fine, and what makes the worst of them so. */
export function StandingPanel({ title, kind, none, limit }: Props) {
  const total = kind && kind.down + kind.degraded + kind.at_risk + kind.fine;
  const danger = kind && total !== undefined ? total - kind.fine : 0;
  const items = kind?.items.slice(0, limit) ?? [];
  const left = danger - items.filter((i) => i.state !== 'fine').length;
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {total !== undefined && total > 0 && <span className="muted number">{danger === 0 ? `all ${formatCount(total)} are fine` : `${formatCount(danger)} of ${formatCount(total)} in danger`}</span>}
      </header>
      <ul className={classes['states']}>
        {standingStates.map((state) => {
          const n = kind?.[state];
          return (
            <li key={state} data-state={state} data-none={!n || undefined} title={standingHints[state]}>
              <StandingMark state={state} size={22} silent />
              <span>
                <strong title={n === undefined ? undefined : formatCount(n)}>{n === undefined ? <Skeleton width={22} height={22} /> : formatShort(n)}</strong>
                <span className={classes['what']}>{standingName(state)}</span>
              </span>
            </li>
          );
        })}
      </ul>
      {total === 0 ? (
        <div className={`${classes['none'] ?? ''} muted`}>{none}</div>
      ) : (
        <ul className={classes['list']}>
          {items.map((i) => (
            <li key={i.resource.id}>
              <StandingMark state={i.state} size={18} silent />
              <div className={classes['body']}>
                <div className={classes['name']}>
                  {i.volume ? (
                    <Link to="/volumes/$id" params={{ id: String(i.resource.id) }}>
                      {i.resource.name}
                    </Link>
                  ) : (
                    <ResourceLink id={i.resource.id}>{i.resource.name}</ResourceLink>
                  )}
                  <span className="muted">{standingName(i.state)}</span>
                  {i.stale && <StaleMark />}
                </div>
                {!i.cause && i.why !== '' && <div className={classes['cause']}>{i.why}</div>}
                {i.cause && (
                  <div className={classes['cause']}>
                    <Link to="/incidents/$id" params={{ id: String(i.cause.resource) }}>
                      {i.cause.message}: {i.cause.resource_name}
                    </Link>
                    {i.causes > 1 && ` and ${formatCount(i.causes - 1)} more`}
                  </div>
                )}
              </div>
            </li>
          ))}
          {!kind && (
            <li aria-hidden="true">
              <Skeleton height={34} />
            </li>
          )}
          {left > 0 && <li className="muted">and {formatCount(left)} more in danger</li>}
        </ul>
      )}
    </section>
  );
}
