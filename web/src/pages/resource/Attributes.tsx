import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { formatTime } from '../../format/time';
import { ResourceLink } from '../../ui/ResourceLink';
import { Ago } from '../../ui/Time';
import { useQueries } from '@tanstack/react-query';
import { resourceQuery } from '../../api/queries';
import classes from './Attributes.module.css';

interface Props {
  resource: Schema['Resource'];
  cls: Schema['Class'] | undefined;
}

/** The resource's attributes, in the order in which its class declares them. */
export function Attributes({ resource, cls }: Props) {
  const order = cls?.attributes.map((a) => a.name) ?? Object.keys(resource.attributes);
  const known = order.filter((name) => resource.attributes[name] !== undefined);
  const visible = known.filter((name) => resource.attributes[name]?.hidden !== true);
  const hidden = known.filter((name) => resource.attributes[name]?.hidden === true);
  return (
    <section className="panel" aria-labelledby="attributes">
      <header>
        <h2 id="attributes">Attributes</h2>
      </header>
      <table className={`plain ${classes['table'] ?? ''}`}>
        <tbody>
          {visible.map((name) => (
            <Row key={name} attribute={resource.attributes[name]} />
          ))}
        </tbody>
        <tbody className={classes['about']}>
          <ReportedBy resource={resource} />
          <tr>
            <th scope="row">First seen</th>
            <td>{formatTime(resource.first_seen)}</td>
          </tr>
          <tr>
            <th scope="row">Last change</th>
            <td>
              <Ago time={resource.updated} />
            </td>
          </tr>
        </tbody>
      </table>
      {hidden.length > 0 && (
        <details className={classes['hidden']}>
          <summary>{hidden.length === 1 ? 'One more attribute' : `${hidden.length} more attributes`}</summary>
          <table className={`plain ${classes['table'] ?? ''}`}>
            <tbody>
              {hidden.map((name) => (
                <Row key={name} attribute={resource.attributes[name]} />
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}

function Row({ attribute: a }: { attribute: Schema['AttributeValue'] | undefined }) {
  if (!a) return null;
  return (
    <tr>
      <th scope="row">{a.label}</th>
      <td>{valueOf(a)}</td>
    </tr>
  );
}

function valueOf(a: Schema['AttributeValue']) {
  if (a.text === '') return <span className="muted">–</span>;
  if (a.kind === 'reference' && typeof a.value === 'number') return <ResourceLink id={a.value}>{a.text}</ResourceLink>;
  // The exact number, for those who need it.
  if (a.kind === 'bytes' && typeof a.value === 'number') return <span title={`${formatCount(a.value)} bytes`}>{a.text}</span>;
  return a.text;
}

/** The roots that report the resource; for a root, only the others. */
function ReportedBy({ resource }: { resource: Schema['Resource'] }) {
  const ids = resource.reported_by.filter((id) => id !== resource.id).slice(0, 5);
  const roots = useQueries({ queries: ids.map((id) => resourceQuery(id)) });
  if (ids.length === 0) return null;
  return (
    <tr>
      <th scope="row">Reported by</th>
      <td>
        {ids.map((id, i) => (
          <div key={id} className={classes['root']}>
            <ResourceLink id={id}>{roots[i]?.data?.name ?? `resource ${id}`}</ResourceLink>
          </div>
        ))}
        {resource.reported_by.length > 5 && <div className="muted">and {resource.reported_by.length - 5} more</div>}
      </td>
    </tr>
  );
}
