import type { ReactNode } from 'react';
import type { Health } from './health';
import { HealthIcon } from './HealthIcon';
import { standingHealth, standingName, type StandingState } from './standing';
import { StandingMark } from './StandingMark';
import classes from './Heading.module.css';

interface Props {
  /** The way back, or what the thing is a part of. */
  trail: ReactNode;
  /** How it is, and that in a word; a page about no one thing has neither. */
  health?: Health;
  /** Of a file system or a volume, in place of these. */
  standing?: StandingState;
  title: string;
  state?: string;
  /** Stands in place of the title, as while it is edited. */
  instead?: ReactNode;
  /** Stands behind the title and behind the state. */
  afterTitle?: ReactNode;
  afterState?: ReactNode;
  /** A line below. */
  note?: ReactNode;
  /** What can be done with it. */
  children?: ReactNode;
}

/** The top of a page about one thing: what it is, how it is, and what can be done. */
export function Heading({ trail, health, standing, title, state, instead, afterTitle, afterState, note, children }: Props) {
  const word = standing ? standingName(standing) : state;
  return (
    <div className={classes['heading']}>
      <nav aria-label="Where this is" className={`${classes['trail'] ?? ''} text`}>
        {trail}
      </nav>
      <div className={classes['row']}>
        {standing ? <StandingMark state={standing} size={26} silent /> : health && <HealthIcon health={health} size={26} silent />}
        {instead ?? <h1>{title}</h1>}
        {afterTitle}
        {word !== undefined && (
          <span className={classes['state']} data-health={standing ? standingHealth(standing) : health}>
            {word}
          </span>
        )}
        {afterState}
        {children && <div className={classes['acts']}>{children}</div>}
      </div>
      {note}
    </div>
  );
}
