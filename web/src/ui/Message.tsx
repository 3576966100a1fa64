import type { ReactNode } from 'react';
import classes from './Message.module.css';

interface Props {
  title: string;
  children?: ReactNode;
  /** Something went wrong: it is read aloud at once. */
  alert?: boolean;
  /** The message is all there is on the page, so its title is the page's. */
  page?: boolean;
}

/** A few words in place of content: nothing is there, or something failed. */
export function Message({ title, children, alert = false, page = false }: Props) {
  const Heading = page ? 'h1' : 'h2';
  return (
    <div className={classes['message']} role={alert ? 'alert' : undefined}>
      <Heading>{title}</Heading>
      {children}
    </div>
  );
}
