import type { Schema } from '../../api/client';
import { sentence } from '../../format/text';
import { Ago } from '../../ui/Time';
import { groundName } from './words';
import classes from './VolumePage.module.css';

/** Which hosts were chosen, and why, in words. */
export function Chosen({ volume: v }: { volume: Schema['Volume'] }) {
  return (
    <section className="panel" aria-labelledby="chosen">
      <header>
        <h2 id="chosen">Where it should be used, and why there</h2>
      </header>
      <dl className={classes['chosen']}>
        <One name="Primary" chosen={v.primary} />
        <One name="Secondary" chosen={v.secondary} />
        {v.unused.length > 0 && (
          <div>
            <dt>Not wanted</dt>
            <dd>{v.unused.join(', ')}</dd>
          </div>
        )}
      </dl>
      {v.decided && (
        <p className={classes['decided']}>
          Decided by {v.decided.by === '' ? 'a user' : v.decided.by} <Ago time={v.decided.time} />; it stays through scans and restarts.
        </p>
      )}
    </section>
  );
}

function One({ name, chosen }: { name: string; chosen: Schema['VolumeHost'] }) {
  const ground = groundName(chosen.ground);
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{chosen.host ?? 'None'}</strong>
        {ground !== '' && <span className={classes['ground']}>{ground}</span>}
        <div className={classes['why']}>{sentence(chosen.why)}</div>
        {chosen.host !== undefined && chosen.node === undefined && <div className={classes['why']}>It does not reach the volume now.</div>}
      </dd>
    </div>
  );
}
