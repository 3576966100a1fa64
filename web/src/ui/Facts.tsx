import type { ReactNode } from 'react';
import classes from './Facts.module.css';

/** A few facts side by side, each with its name above. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes['facts']}>{children}</dl>;
}

/** One of them. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="text">{children}</dd>
    </div>
  );
}
