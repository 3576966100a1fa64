import { healthName, type Health } from './health';
import classes from './HealthIcon.module.css';

interface Props {
  health: Health;
  size?: number;
  /** Leaves the icon out of what is read aloud, where its name stands beside it. */
  silent?: boolean;
}

/**
 * A state of health. Each has a shape of its own, so that it can be told
 * without colours: ring, circle, triangle, octagon.
 */
export function HealthIcon({ health, size = 16, silent = false }: Props) {
  const label = silent ? { 'aria-hidden': true } : { role: 'img', 'aria-label': healthName(health) };
  return (
    <svg className={classes['icon']} data-health={health} width={size} height={size} viewBox="0 0 16 16" {...label}>
      {shapes[health]}
    </svg>
  );
}

const shapes: Record<Health, React.ReactNode> = {
  ok: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="m5.2 8.2 2 2 3.6-4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path className={classes['mark']} d="M8 7.2v4.2M8 4.6v.1" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  warning: (
    <>
      <path d="M8 .9c.5 0 .9.3 1.2.7l6 10.9c.5 1-.1 2.1-1.2 2.1H2c-1.1 0-1.7-1.1-1.2-2.1l6-10.9C7.1 1.2 7.5.9 8 .9Z" className={classes['fill']} />
      <path className={classes['dark']} d="M8 5.6v3.7M8 11.9v.1" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  error: (
    <>
      <path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Z" fill="currentColor" />
      <path className={classes['mark']} d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
};
