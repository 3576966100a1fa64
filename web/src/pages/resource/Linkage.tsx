import type { Schema } from '../../api/client';
import { ResourceLink } from '../../ui/ResourceLink';

/** Through what two resources are linked: who reports it, and which relations make it. */
export function Linkage({ linkage }: { linkage: Schema['Linkage'] }) {
  if (!linkage.linked) return <p>They are not linked any more.</p>;
  return (
    <ul className="text">
      {linkage.steps.map((step) => (
        <li key={`${step.parent.id}-${step.child.id}`}>
          {linkage.steps.length > 1 && (
            <>
              <ResourceLink id={step.parent.id}>{step.parent.name}</ResourceLink> affects <ResourceLink id={step.child.id}>{step.child.name}</ResourceLink>:{' '}
            </>
          )}
          {step.reported_by.length > 0 && (
            <>
              The plugin says so: reported by{' '}
              {step.reported_by.map((r, i) => (
                <span key={r.id}>
                  {i > 0 && ', '}
                  <ResourceLink id={r.id}>{r.name}</ResourceLink>
                </span>
              ))}
              .{' '}
            </>
          )}
          {step.relations.map((r, i) => (
            <span key={i}>
              By a relation that <code>{r.class}</code> declares: {r.attributes.map(same).join(', ')}
              {r.ignore_case ? ', whatever the case' : ''}.{' '}
            </span>
          ))}
          {step.reported_by.length + step.relations.length === 0 && 'Nobody reports this link any more; it goes with the next scan.'}
        </li>
      ))}
    </ul>
  );
}

function same({ name, provider, subscriber }: Schema['Comparison']): string {
  return provider === subscriber ? `${name} is ${text(provider)} on both` : `${name} is ${text(provider)} and ${text(subscriber)}`;
}

function text(value: Schema['Comparison']['provider']): string {
  return typeof value === 'string' ? `“${value}”` : JSON.stringify(value);
}
