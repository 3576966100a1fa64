import { useEffect, type ReactNode } from 'react';
import classes from './Page.module.css';

interface Props {
  /** Stands in the browser's tab. */
  title: string;
  children: ReactNode;
  /** The page fills the window and scrolls inside, as tables do. */
  fill?: boolean;
}

/** The body of a page. */
export function Page({ title, children, fill = false }: Props) {
  useEffect(() => {
    document.title = title === '' ? 'Faultline' : `${title} · Faultline`;
  }, [title]);
  return <div className={fill ? classes['fill'] : classes['page']}>{children}</div>;
}
