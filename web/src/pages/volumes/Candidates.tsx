import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { None } from '../../ui/None';
import { Scroll } from '../../ui/Scroll';
import classes from './VolumePage.module.css';

/** The figures by which the server chooses between the hosts. */
export function Candidates({ volume: v }: { volume: Schema['Volume'] }) {
  const list = v.candidates ?? [];
  if (list.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="candidates">
      <header>
        <h2 id="candidates">The hosts that may be chosen</h2>
      </header>
      <Scroll label="The hosts that may be chosen">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">HA cluster</th>
              <th scope="col" className="right" title="The sum of the path weights above its best path; the highest wins">
                Path weight
              </th>
              <th scope="col" className="right" title="Of how many other volumes of several hosts it is the primary">
                Other primaries
              </th>
              <th scope="col" className="right" title="Of how many of them it is the primary or the secondary">
                In use
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((c) => (
              <tr key={c.host_id}>
                <th scope="row">
                  <Link to="/hosts/$id" params={{ id: String(c.host_id) }}>
                    {c.host}
                  </Link>
                  {v.unused.includes(c.host) && <span className="muted"> (not wanted)</span>}
                </th>
                <td>{c.cluster ?? c.problem ?? <None />}</td>
                <td className="right">{c.weight === undefined ? <None /> : formatCount(c.weight)}</td>
                <td className="right">{formatCount(c.primaries)}</td>
                <td className="right">{formatCount(c.in_use)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p className={classes['hint']}>
        The server takes the highest path weight, if all paths have one; else the host that is the primary of the fewest others. A secondary is of the same HA cluster.
      </p>
    </section>
  );
}
