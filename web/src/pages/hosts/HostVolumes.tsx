import { Skeleton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { volumesQuery } from '../../api/queries';
import { None } from '../../ui/None';
import { Scroll } from '../../ui/Scroll';
import { standingName } from '../../ui/standing';
import { StandingMark } from '../../ui/StandingMark';
import { roleName } from '../volumes/words';
import classes from './HostPage.module.css';

const shown = 10;

/** The volumes that the host reaches, and what it is to each. */
export function HostVolumes({ host }: { host: Schema['Host'] }) {
  const { data } = useInfiniteQuery(volumesQuery({ host: String(host.id), limit: shown }));
  const page = data?.pages[0];
  return (
    <section className="panel" aria-labelledby="volumes">
      <header>
        <h2 id="volumes">Volumes</h2>
        {host.volumes > 0 && (
          <Link to="/volumes" search={{ host: host.name }}>
            {page?.next === undefined ? 'In the list of volumes' : `All ${host.volumes}`}
          </Link>
        )}
      </header>
      {!page && <Skeleton height={90} m="sm" width="auto" aria-hidden="true" />}
      {page?.items.length === 0 && <p className={classes['none']}>It reaches none.</p>}
      {page && page.items.length > 0 && (
        <Scroll label="Volumes">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">State</th>
                <th scope="col" className="right">
                  Size
                </th>
                <th scope="col">This host is</th>
                <th scope="col">Path</th>
                <th scope="col">In use by</th>
              </tr>
            </thead>
            <tbody>
              {page.items.map((v) => {
                const node = v.nodes.find((n) => n.host_id === host.id);
                return (
                  <tr key={v.id}>
                    <th scope="row">
                      <span className={classes['session']}>
                        <StandingMark state={v.state} silent />
                        <Link to="/volumes/$id" params={{ id: String(v.id) }}>
                          {v.name}
                        </Link>
                      </span>
                    </th>
                    <td>{standingName(v.state)}</td>
                    <td className="right">{v.size_text ?? <None />}</td>
                    <td>{node ? roleName(node.role) : <None />}</td>
                    <td>{node?.path ?? <None />}</td>
                    <td>{v.used_by.length === 0 ? <None /> : v.used_by.map((u) => u.name).join(', ')}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
