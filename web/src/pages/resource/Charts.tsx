import { ChartBoard, type BoardSearch } from '../../charts/board';
import { RangeBar } from '../../charts/RangeBar';
import { ResourceCharts } from '../../charts/ResourceCharts';
import classes from './Charts.module.css';

interface Props {
  resource: number;
  search: BoardSearch;
  onSearch: (search: BoardSearch, replace: boolean) => void;
}

/** The statistics of the resource over time. */
export function Charts({ resource, search, onSearch }: Props) {
  return (
    <section className={classes['charts']} aria-labelledby="charts">
      <h2 id="charts">Charts</h2>
      <ChartBoard search={search} onSearch={onSearch}>
        <RangeBar />
        <ResourceCharts resource={resource} />
      </ChartBoard>
    </section>
  );
}
