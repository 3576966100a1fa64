import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { incidentsQuery, shownIncidents } from '../../api/queries';
import { formatCount } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { IncidentLine } from '../incidents/IncidentLine';
import line from '../incidents/IncidentLine.module.css';

const shown = 8;

/** What is wrong now, the worst first, with what that does. */
export function OpenIncidents() {
  const { data } = useQuery(incidentsQuery(shownIncidents));
  return (
    <section className="panel" aria-labelledby="incidents">
      <header>
        <h2 id="incidents">Open incidents</h2>
        {data && data.incidents > 0 && (
          <span className="muted number">
            {formatCount(data.incidents)}, with {formatCount(data.alerts)} {data.alerts === 1 ? 'alert' : 'alerts'}
          </span>
        )}
        <Link to="/incidents">All incidents</Link>
      </header>
      {data ? (
        <ul className={line['list']}>
          {data.items.slice(0, shown).map((i) => (
            <IncidentLine key={i.id} incident={i} />
          ))}
          {data.incidents > shown && (
            <li className={line['line']}>
              <Link to="/incidents">{formatCount(data.incidents - shown)} more</Link>
            </li>
          )}
          {data.items.length === 0 && (
            <li className={`${line['line'] ?? ''} muted`}>
              <HealthIcon health="ok" silent /> Nothing is sick. All is well.
            </li>
          )}
        </ul>
      ) : (
        <div aria-hidden="true">
          {Array.from({ length: 4 }, (_, i) => (
            <Skeleton key={i} height={38} m="sm" width="auto" />
          ))}
        </div>
      )}
    </section>
  );
}
