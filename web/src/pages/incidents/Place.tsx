import type { Schema } from '../../api/client';
import { ResourceLink } from '../../ui/ResourceLink';
import classes from './IncidentPage.module.css';

const most = 12;

/** What tells a person where the cause is: the attributes that its table shows. */
export function Place({ resource, cls }: { resource: Schema['Resource']; cls: Schema['Class'] | undefined }) {
  const names = cls?.columns ?? Object.keys(resource.attributes);
  const shown = names.flatMap((name) => {
    const a = resource.attributes[name];
    return a && a.hidden !== true && a.text !== '' ? [{ name, ...a }] : [];
  });
  if (shown.length === 0) return null;
  return (
    <dl className={classes['place']}>
      {shown.slice(0, most).map((a) => (
        <div key={a.name}>
          <dt>{a.label}</dt>
          <dd>{a.kind === 'reference' && typeof a.value === 'number' ? <ResourceLink id={a.value}>{a.text}</ResourceLink> : a.text}</dd>
        </div>
      ))}
    </dl>
  );
}
