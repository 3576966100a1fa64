import type { ReactNode } from 'react';
import type { Health } from './health';
import { HealthIcon } from './HealthIcon';
import classes from './Note.module.css';

/** A few words that stand out: something is to be known, or to be done. */
export function Note({ health, children }: { health: Health; children: ReactNode }) {
  return (
    <div className={classes['note']} data-health={health}>
      <HealthIcon health={health} />
      <div className="text">{children}</div>
    </div>
  );
}

/** Says what went wrong; it is read aloud at once. */
export function ErrorNote({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className={classes['error']}>
      {children}
    </p>
  );
}
