import { ChartBoard, type BoardSearch } from './board';
import classes from './Charts.module.css';
import type { Range } from './range';
import { RangeBar } from './RangeBar';
import { ResourceCharts } from './ResourceCharts';

interface Props {
  title?: string;
  /** What is shown until something is chosen; the last hour if it is left out. */
  initial?: Range | undefined;
  resource: number;
  search: BoardSearch;
  onSearch: (search: BoardSearch, replace: boolean) => void;
}

/** The statistics of a resource over time, as a part of a page. */
export function Charts({ title = 'Charts', initial, resource, search, onSearch }: Props) {
  return (
    <section className={classes['charts']} aria-labelledby="charts">
      <h2 id="charts">{title}</h2>
      <ChartBoard search={search} onSearch={onSearch} {...(initial && { initial })}>
        <RangeBar />
        <ResourceCharts resource={resource} />
      </ChartBoard>
    </section>
  );
}

/** The parts of an address that are set. */
export function given(search: object): Record<string, string> {
  return Object.fromEntries(Object.entries(search).filter((e: [string, unknown]): e is [string, string] => typeof e[1] === 'string'));
}
