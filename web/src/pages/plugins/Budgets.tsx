import type { Schema } from '../../api/client';
import { None } from '../../ui/None';
import { formatBudget, formatSeconds } from './format';
import classes from './PluginPage.module.css';
import { budgetsOf, share } from './words';

/** What the plugin may use, and how much of it it does. */
export function Budgets({ plugin: p }: { plugin: Schema['Plugin'] }) {
  const hooks = Object.entries(p.budgets?.hooks ?? {});
  return (
    <section className="panel" aria-labelledby="budgets">
      <header>
        <h2 id="budgets">Budgets</h2>
        {p.budgets?.cpu_window !== undefined && p.budgets.cpu_window > 0 && <span className="muted">CPU over {formatSeconds(p.budgets.cpu_window)}</span>}
      </header>
      <table className={`plain ${classes['budgets'] ?? ''}`}>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">What</th>
            <th scope="col">Share</th>
            <th scope="col">Used of the limit</th>
          </tr>
        </thead>
        <tbody>
          {budgetsOf(p).map((b) => {
            const part = share(b);
            return (
              <tr key={b.name}>
                <th scope="row">{b.name}</th>
                <td className={classes['meter']}>
                  {part !== undefined && (
                    <div className={classes['bar']} data-level={part > 0.9 ? 'error' : part > 0.7 ? 'warning' : 'ok'} aria-hidden="true">
                      <span style={{ width: `${part * 100}%` }} />
                    </div>
                  )}
                  {part !== undefined && <span className="visually-hidden">{Math.round(part * 100)} %</span>}
                </td>
                <td className="right">
                  {b.used === undefined ? <None /> : formatBudget(b.used, b.kind)}{' '}
                  <span className="muted">{b.limit === undefined || b.limit === 0 ? 'no limit' : `of ${formatBudget(b.limit, b.kind)}`}</span>
                </td>
              </tr>
            );
          })}
          {hooks.map(([hook, seconds]) => (
            <tr key={hook}>
              <th scope="row">
                <code>{hook}</code>
              </th>
              <td />
              <td className="right">
                <span className="muted">at most</span> {formatSeconds(seconds)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
