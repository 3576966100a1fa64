import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { statusQuery } from '../api/queries';
import { formatShort } from '../format/number';
import { healthName, severities } from '../ui/health';
import { HealthIcon } from '../ui/HealthIcon';
import classes from './AlertCounts.module.css';

/** The numbers of active alerts, each a way to their list. */
export function AlertCounts() {
  const { data } = useQuery(statusQuery);
  return (
    <ul className={classes['counts']} aria-label="Active alerts">
      {severities.map((severity) => {
        const n = data?.alerts[severity];
        return (
          <li key={severity}>
            <Link
              to="/alerts"
              search={{ severity }}
              className={classes['count']}
              data-none={!n}
              aria-label={`${n ?? '–'} active alerts of severity ${healthName(severity)}`}
            >
              <HealthIcon health={severity} size={15} silent />
              <span className="number">{n === undefined ? '–' : formatShort(n)}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
