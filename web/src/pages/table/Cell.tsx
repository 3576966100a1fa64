import type { Schema } from '../../api/client';
import { formatMeasure } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import { StaleMark } from '../../ui/StaleMark';
import type { ColumnSpec } from './columns';
import classes from '../../ui/Table.module.css';

/** What a column shows of a resource. */
export function Cell({ column, row }: { column: ColumnSpec; row: Schema['Resource'] }) {
  switch (column.source) {
    case 'name':
      return (
        <span className={classes['name']}>
          <HealthIcon health={row.health} />
          <ResourceLink id={row.id} className={classes['text']}>
            {row.name}
          </ResourceLink>
          {row.stale && <StaleMark />}
        </span>
      );
    case 'statistic': {
      const s = row.statistics[column.name];
      return <>{typeof s?.value === 'number' ? formatMeasure(s.value, s.unit) : <None />}</>;
    }
    case 'attribute': {
      const a = row.attributes[column.name];
      if (a?.value === null || a?.value === undefined || a.text === '') return <None />;
      if (a.kind === 'reference' && typeof a.value === 'number') return <ResourceLink id={a.value}>{a.text}</ResourceLink>;
      return <span title={a.text}>{a.text}</span>;
    }
  }
}

function None() {
  return <span className="muted">–</span>;
}
