import classes from './StaleMark.module.css';

/** Says that a resource is shown as last known. */
export function StaleMark() {
  return (
    <span className={classes['mark']} title="Last known state: nothing reports it now">
      stale
    </span>
  );
}
