import { Button, Skeleton } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import { hostsQuery, installationQuery, keys } from '../../api/queries';
import { Message } from '../../ui/Message';
import { ErrorNote, Note } from '../../ui/Note';
import { Ago } from '../../ui/Time';
import classes from './AddHostPage.module.css';
import { StepMark } from './StepMark';

const route = getRouteApi('/hosts/add');

/** How far an installation is, step by step, and what comes after it. */
export function Installation({ id }: { id: string }) {
  const { data: found, error } = useQuery(installationQuery(id));
  const client = useQueryClient();
  const ended = found !== undefined && found.state !== 'running';
  useEffect(() => {
    if (ended) void client.invalidateQueries({ queryKey: keys.hosts });
  }, [ended, client]);
  if (!found) {
    if (error) {
      return (
        <Message title={error instanceof ProblemError && error.status === 404 ? 'This installation is forgotten' : 'The installation cannot be read'} alert>
          <p>{errorText(error)}</p>
        </Message>
      );
    }
    return <Skeleton height={160} m="sm" width="auto" aria-hidden="true" />;
  }
  return (
    <>
      <ol className={classes['steps']} aria-label={`Steps on ${found.address}`}>
        {found.steps.map((s, i) => (
          <li key={`${i} ${s.name}`}>
            <StepMark state={s.state} />
            <div className={classes['step']}>
              {s.text}
              {s.detail !== undefined && <div className={classes['detail']}>{s.detail}</div>}
            </div>
          </li>
        ))}
        {found.state === 'running' && (
          <li className="muted" role="status">
            Begun <Ago time={found.began} seconds /> …
          </li>
        )}
      </ol>
      <div className={classes['end']}>
        <End installation={found} />
      </div>
    </>
  );
}

function End({ installation: i }: { installation: Schema['Installation'] }) {
  const { installation: _, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const { data: hosts } = useQuery(hostsQuery);
  const install = useMutation({
    mutationFn: () => data(api.POST('/hosts', { body: { ...search, address: search.address ?? i.address } })),
    onSuccess: async (next) => {
      client.setQueryData(keys.installation(next.id), next);
      await navigate({ search: (old) => ({ ...old, installation: next.id }), replace: true, resetScroll: false });
    },
  });
  if (i.state === 'running') return null;
  if (i.state === 'failed') {
    return (
      <Note health="error">
        {i.dry_run === true ? 'It would fail: ' : 'The agent was not installed, and what was done before is undone: '}
        {i.error ?? 'no reason is known'}
      </Note>
    );
  }
  if (i.dry_run === true) {
    return (
      <>
        <Note health="info">
          Nothing was changed on {i.address}. {i.host !== undefined && `It would become host ${i.host}.`}
        </Note>
        {install.error && <ErrorNote>{errorText(install.error)}</ErrorNote>}
        <div className={classes['buttons']}>
          <Button size="sm" loading={install.isPending} onClick={() => install.mutate()}>
            Install the agent on {i.address}
          </Button>
        </div>
      </>
    );
  }
  const host = hosts?.items.find((h) => h.name === i.host);
  return (
    <Note health="ok">
      {host ? (
        <Link to="/hosts/$id" params={{ id: String(host.id) }}>
          Host {i.host}
        </Link>
      ) : (
        `Host ${i.host ?? i.address}`
      )}{' '}
      is installed and connected.
    </Note>
  );
}
