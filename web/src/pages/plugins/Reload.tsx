import { Skeleton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { at, keys, pluginChangesQuery } from '../../api/queries';
import { formatCount } from '../../format/number';
import { Confirm } from '../../ui/Confirm';
import { ErrorNote, Note } from '../../ui/Note';
import classes from './PluginPage.module.css';

interface Props {
  plugin: Schema['Plugin'];
  opened: boolean;
  onClose: () => void;
}

/** Takes a plugin in as its files are now, after showing what they declare otherwise. */
export function Reload({ plugin: p, opened, onClose }: Props) {
  const client = useQueryClient();
  const { data: changes, error, isFetching } = useQuery({ ...pluginChangesQuery(p.name, p.runner), enabled: opened });
  const reload = useMutation({
    mutationFn: () => data(api.POST('/plugins/{name}/reload', { params: { path: { name: p.name }, query: at(p.runner) } })),
    onSuccess: onClose,
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: keys.plugins }), client.invalidateQueries({ queryKey: keys.classes })]),
  });
  const close = () => {
    reload.reset();
    onClose();
  };
  const ready = !isFetching && changes !== undefined;
  return (
    <Confirm
      opened={opened}
      onClose={close}
      title={`Reload ${p.name}?`}
      act="Reload"
      keep="Leave it as it is"
      blocked={!ready || changes.refused !== undefined}
      pending={reload.isPending}
      error={reload.error}
      onConfirm={() => reload.mutate()}
      size="xl"
    >
      <div className={classes['changes']} aria-live="polite">
        {isFetching && (
          <>
            <p className="muted">The new version is started beside the one that runs, to see what it declares …</p>
            <Skeleton height={70} aria-hidden="true" />
          </>
        )}
        {!isFetching && error && <ErrorNote>The new version cannot be taken in: {errorText(error)}</ErrorNote>}
        {ready && <Changes changes={changes} />}
      </div>
    </Confirm>
  );
}

const marks = { added: '+', removed: '−', changed: '~', renamed: '→' } as const;

function Changes({ changes: c }: { changes: Schema['PluginChanges'] }) {
  return (
    <>
      {c.refused !== undefined && <Note health="error">This version cannot be taken in: {c.refused}</Note>}
      {c.version !== c.now && (
        <p>
          Version {c.version === '' ? 'unknown' : c.version} becomes {c.now === '' ? 'unknown' : c.now}.
        </p>
      )}
      {c.changes.length === 0 ? (
        <p>It declares nothing otherwise. Sessions move to the new version, each after the hook that runs, and stay online.</p>
      ) : (
        <>
          <p>What it declares otherwise, and what becomes of stored resources:</p>
          <ul className={classes['diff']}>
            {c.changes.map((x, i) => (
              <li key={i} data-change={x.change}>
                <span className={classes['sign']} role="img" aria-label={x.change}>
                  {marks[x.change]}
                </span>
                <div>
                  <code>
                    {x.class}
                    {x.name !== '' && `.${x.name}`}
                  </code>{' '}
                  {x.text}
                  {x.effect !== undefined && (
                    <div className={classes['effect']}>
                      {x.effect}
                      {x.resources !== undefined && x.resources > 0 && ` (${formatCount(x.resources)} ${x.resources === 1 ? 'resource' : 'resources'})`}
                    </div>
                  )}
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
