import type { ReactNode } from 'react';
import classes from './Message.module.css';

interface Props {
  title: string;
  children?: ReactNode;
  /** Something went wrong: it is read aloud at once. */
  alert?: boolean;
}

/** A few words in place of content: nothing is there, or something failed. */
export function Message({ title, children, alert = false }: Props) {
  return (
    <div className={classes['message']} role={alert ? 'alert' : undefined}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
