import type { ReactNode } from 'react';
import classes from './Scroll.module.css';

/** Lets a table be wider than the screen: it is scrolled sideways, also with the keyboard. */
export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label={`${label}, table`}>
      {children}
    </div>
  );
}
