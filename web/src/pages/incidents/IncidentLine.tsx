import { IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { affectedTotal } from '../../format/alert';
import { formatCount } from '../../format/number';
import { HealthIcon } from '../../ui/HealthIcon';
import { Ago } from '../../ui/Time';
import classes from './IncidentLine.module.css';

/** One incident in a list: what is wrong, and what that does. */
export function IncidentLine({ incident: i }: { incident: Schema['Incident'] }) {
  const cause = i.causes[0];
  const more = i.causes.length - 1;
  return (
    <li className={classes['line']}>
      <HealthIcon health={i.severity} size={18} />
      <div className={classes['body']}>
        <div className={classes['cause']}>
          <Link to="/incidents/$id" params={{ id: String(i.id) }}>
            {cause?.message ?? 'It is not well'}: {i.resource.name}
          </Link>
          {more > 0 && <span className="muted"> and {formatCount(more)} more</span>}
        </div>
        <div className={classes['effect']}>
          {i.resource.root && `${i.resource.root} · `}
          <Effect incident={i} />
        </div>
      </div>
      <div className={classes['when']}>
        <Ago time={i.began} />
        {i.acknowledged && (
          <span className={classes['known']}>
            <IconCheck size={13} aria-hidden /> acknowledged
          </span>
        )}
      </div>
    </li>
  );
}

/** What an incident endangers, and how many alerts follow from it, in a few words. */
export function Effect({ incident: i }: { incident: Schema['Incident'] }) {
  const { filesystems, counts } = i.affected;
  const total = affectedTotal(counts);
  const parts: React.ReactNode[] = [];
  if (filesystems.length > 0) {
    const names = filesystems.slice(0, 3).map((f) => f.name);
    parts.push(
      <>
        endangers{' '}
        <strong className={classes['danger']}>
          {names.join(', ')}
          {filesystems.length > names.length && ` and ${formatCount(filesystems.length - names.length)} more`}
        </strong>
      </>,
    );
  }
  if (i.volumes > 0) parts.push(`${formatCount(i.volumes)} ${i.volumes === 1 ? 'volume' : 'volumes'}`);
  if (parts.length === 0) parts.push(total > 0 ? `affects ${formatCount(total)} resources` : 'affects nothing else');
  if (i.effects.total > 0) parts.push(`${formatCount(i.effects.total)} ${i.effects.total === 1 ? 'alert follows' : 'alerts follow'} from it`);
  return parts.map((p, n) => (
    <span key={n}>
      {n > 0 && ' · '}
      {p}
    </span>
  ));
}
