import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import { nextSort } from './sort';
import classes from './Table.module.css';

interface Props {
  /** What the server sorts by; without it the column cannot be sorted. */
  id: string | undefined;
  header: string;
  align?: 'left' | 'right';
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
}

/** A column's heading; a click sorts up, then down, then not. */
export function SortHeading({ id, header, align = 'left', sort, onSort }: Props) {
  const className = align === 'right' ? classes['right'] : undefined;
  if (id === undefined) {
    return (
      <th scope="col" className={className}>
        <span className={classes['heading']}>{header}</span>
      </th>
    );
  }
  const up = sort === id;
  const down = sort === `-${id}`;
  const Icon = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort;
  return (
    <th scope="col" className={className} aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}>
      <button type="button" className={classes['heading']} data-sorted={up || down || undefined} onClick={() => onSort(nextSort(sort, id))}>
        <span>{header}</span>
        <Icon size={13} aria-hidden />
      </button>
    </th>
  );
}
