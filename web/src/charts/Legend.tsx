import { lineColor } from './colors';
import classes from './Legend.module.css';

/** A line's name and its value at the cursor, or else its last one. */
export interface Entry {
  key: string;
  label: string;
  text: string;
  color: number;
}

interface Props {
  entries: Entry[];
  hidden: ReadonlySet<string>;
  onToggle: (key: string) => void;
}

/** The lines of a chart. A click hides a line or shows it again. */
export function Legend({ entries, hidden, onToggle }: Props) {
  return (
    <ul className={classes['legend']}>
      {entries.map((e) => (
        <li key={e.key}>
          <button type="button" aria-pressed={!hidden.has(e.key)} title={hidden.has(e.key) ? 'Show this line' : 'Hide this line'} onClick={() => onToggle(e.key)}>
            <i style={{ background: `var(${lineColor(e.color)})` }} aria-hidden="true" />
            <span>{e.label}</span> <b>{e.text}</b>
          </button>
        </li>
      ))}
    </ul>
  );
}
