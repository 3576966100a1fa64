import classes from './StandingMark.module.css';
import { standingName, type StandingState } from './standing';

interface Props {
  state: StandingState;
  size?: number;
  /** Leaves the mark out of what is read aloud, where its name stands beside it. */
  silent?: boolean;
}

/** How a file system or a volume stands. Each state has a shape of its own: octagon, full and empty triangle, ring. */
export function StandingMark({ state, size = 16, silent = false }: Props) {
  const label = silent ? { 'aria-hidden': true } : { role: 'img', 'aria-label': standingName(state) };
  return (
    <svg className={classes['mark']} data-state={state} width={size} height={size} viewBox="0 0 16 16" {...label}>
      {shapes[state]}
    </svg>
  );
}

const triangle = 'M8 1.6 15 14H1Z';

const shapes: Record<StandingState, React.ReactNode> = {
  down: (
    <>
      <path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Z" fill="currentColor" />
      <path className={classes['cross']} d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  degraded: (
    <>
      <path d={triangle} className={classes['fill']} strokeLinejoin="round" strokeWidth="1.4" />
      <path className={classes['dark']} d="M8 6v3.4M8 11.7v.1" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  at_risk: (
    <>
      <path d={triangle} fill="none" stroke="currentColor" strokeLinejoin="round" strokeWidth="1.4" />
      <path d="M8 6v3.4M8 11.7v.1" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
  fine: (
    <>
      <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="m5.2 8.2 2 2 3.6-4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
};
