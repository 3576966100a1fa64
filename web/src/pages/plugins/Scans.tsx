import type { Schema } from '../../api/client';
import { formatCount } from '../../format/number';
import { Scroll } from '../../ui/Scroll';
import { formatSeconds } from './format';
import classes from './PluginPage.module.css';

/** How long the plugin's scans take. */
export function Scans({ plugin: p }: { plugin: Schema['Plugin'] }) {
  const rows = [
    ['Initial', p.scans?.initial],
    ['Update', p.scans?.update],
  ] as const;
  const some = rows.some(([, times]) => times !== undefined);
  return (
    <section className="panel" aria-labelledby="scans">
      <header>
        <h2 id="scans">Scans</h2>
        <span className="muted">since the start</span>
      </header>
      {some ? (
        <Scroll label="Scans">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Scan</th>
                <th scope="col" className="right">
                  Number
                </th>
                <th scope="col" className="right">
                  Failed
                </th>
                <th scope="col" className="right">
                  Last
                </th>
                <th scope="col" className="right">
                  Median
                </th>
                <th scope="col" className="right">
                  95 % within
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(
                ([name, t]) =>
                  t && (
                    <tr key={name}>
                      <th scope="row">{name}</th>
                      <td className="right">{formatCount(t.count)}</td>
                      <td className="right">{formatCount(t.failed)}</td>
                      <td className="right">{formatSeconds(t.last)}</td>
                      <td className="right">{formatSeconds(t.p50)}</td>
                      <td className="right">{formatSeconds(t.p95)}</td>
                    </tr>
                  ),
              )}
            </tbody>
          </table>
        </Scroll>
      ) : (
        <p className={classes['none']}>It has made none{p.from === 'server' ? ': it is fed by hosts' : ' yet'}.</p>
      )}
    </section>
  );
}
