import type { ReactNode } from 'react';
import classes from './ListHead.module.css';

interface Props {
  title: string;
  /** How many there are, and such. */
  note?: ReactNode;
  /** The filters of the list. */
  children: ReactNode;
  /** A button that adds something to it. */
  act?: ReactNode;
}

/** The top of a page with a list: what it is, its filters, and what can be added. */
export function ListHead({ title, note, children, act }: Props) {
  return (
    <div className={classes['head']}>
      <h1>{title}</h1>
      <span className="muted number">{note}</span>
      {act !== undefined && <div className={classes['act']}>{act}</div>}
      <div className={classes['filters']}>{children}</div>
    </div>
  );
}
