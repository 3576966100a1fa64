import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { Scroll } from '../../ui/Scroll';
import { healthName } from '../../ui/health';
import { HealthIcon } from '../../ui/HealthIcon';
import { None } from '../../ui/None';
import { ResourceLink } from '../../ui/ResourceLink';
import { StaleMark } from '../../ui/StaleMark';
import { roleName } from './words';
import classes from './VolumePage.module.css';

/** Every way of a host to the volume, and what it is used for. */
export function Nodes({ nodes }: { nodes: Schema['VolumeNode'][] }) {
  return (
    <section className="panel" aria-labelledby="nodes">
      <header>
        <h2 id="nodes">Paths</h2>
        <span className="muted number">{formatCount(nodes.length)}</span>
      </header>
      {nodes.length === 0 ? (
        <p className={classes['none']}>No host reaches it now.</p>
      ) : (
        <Scroll label="Paths">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col">Host</th>
                <th scope="col">Used as</th>
                <th scope="col" className="right">
                  Path weight
                </th>
                <th scope="col">Health</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map((n) => (
                <tr key={n.id}>
                  <th scope="row">
                    <ResourceLink id={n.id}>{n.path}</ResourceLink>
                  </th>
                  <td>
                    <Link to="/hosts/$id" params={{ id: String(n.host_id) }}>
                      {n.host}
                    </Link>
                  </td>
                  <td>{roleName(n.role)}</td>
                  <td className="right">{n.weight === undefined ? <None /> : formatCount(n.weight)}</td>
                  <td>
                    <span className={classes['health']}>
                      <HealthIcon health={n.health} size={14} silent /> {healthName(n.health)}
                      {n.stale && <StaleMark />}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}
