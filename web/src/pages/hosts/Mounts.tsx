import { useQueries } from '@tanstack/react-query';
import type { Schema } from '../../api/client';
import { reportedQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { Scroll } from '../../ui/Scroll';
import { fullClass, type ClassLabels } from '../../ui/classes';
import { HealthIcon } from '../../ui/HealthIcon';
import { ResourceLink } from '../../ui/ResourceLink';
import classes from './HostPage.module.css';

const asked = 100;

/** Mounts are what has a mount point and a device, whatever its plugin calls it. */
function isMount(cls: Schema['Class'] | undefined): boolean {
  const names = cls?.attributes.map((a) => a.name);
  return names?.includes('mount_point') === true && names.includes('device');
}

/** What is mounted on the host, and from which device. */
export function Mounts({ host, labels }: { host: Schema['Host']; labels: ClassLabels }) {
  const mounts = Object.keys(host.reports ?? {}).flatMap((full) => {
    const cls = labels.get(full);
    return cls && isMount(cls) ? [cls] : [];
  });
  const queries = mounts.flatMap((cls) => {
    const root = host.plugins.find((p) => p.name === cls.plugin)?.root;
    return root === undefined ? [] : [reportedQuery({ scope: root, plugin: cls.plugin, class: cls.name, limit: asked })];
  });
  const lists = useQueries({ queries });
  const rows = lists.flatMap((l) => l.data?.items ?? []);
  if (rows.length === 0) return null;
  const text = (r: Schema['Resource'], name: string) => r.attributes[name]?.text ?? '';
  rows.sort((a, b) => text(a, 'mount_point').localeCompare(text(b, 'mount_point'), undefined, { numeric: true }));
  return (
    <section className="panel" aria-labelledby="mounts">
      <header>
        <h2 id="mounts">Mounts</h2>
        <span className="muted number">
          {lists.some((l) => l.data?.next !== undefined) && 'the first '}
          {formatCount(rows.length)}
        </span>
      </header>
      <Scroll label="Mounts">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Mount point</th>
              <th scope="col">Device</th>
              <th scope="col">Kind</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr key={r.id}>
                <th scope="row">
                  <span className={classes['session']}>
                    <HealthIcon health={r.health} />
                    <ResourceLink id={r.id}>{text(r, 'mount_point')}</ResourceLink>
                  </span>
                </th>
                <td>{text(r, 'device')}</td>
                <td>{labels.label(fullClass(r))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
