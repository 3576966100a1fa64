import { Select } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLayoutEffect, useRef } from 'react';
import { api, data, type Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { at, keys, pluginLogQuery } from '../../api/queries';
import { ErrorNote } from '../../ui/Note';
import { When } from '../../ui/Time';
import classes from './LogTail.module.css';

type Level = Schema['LogLevel'];

const levels: { value: Level; label: string }[] = [
  { value: 'debug', label: 'Debug and above' },
  { value: 'info', label: 'Info and above' },
  { value: 'warning', label: 'Warnings and errors' },
  { value: 'error', label: 'Errors only' },
];

/** The end of the plugin's log, as it grows, and what of it is kept. */
export function LogTail({ plugin: p }: { plugin: Schema['Plugin'] }) {
  const client = useQueryClient();
  const { data: log, error } = useQuery(pluginLogQuery(p.name, p.runner));
  const box = useRef<HTMLDivElement>(null);
  // New lines come into view, unless the reader has scrolled up to read.
  const follows = useRef(true);
  const last = log?.items.at(-1);
  useLayoutEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last, log?.items.length]);
  const keep = useMutation({
    mutationFn: (level: Level) => data(api.PATCH('/plugins/{name}', { params: { path: { name: p.name }, query: at(p.runner) }, body: { log_level: level } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.plugins }),
  });
  return (
    <section className="panel" aria-labelledby="log">
      <header>
        <h2 id="log">Log</h2>
        <div>
          <Select
            size="xs"
            aria-label="What is kept of the log"
            title="What is kept of the log, until the server ends"
            data={levels}
            value={(keep.isPending ? keep.variables : p.log_level) ?? null}
            placeholder="Unknown"
            disabled={keep.isPending}
            onChange={(v) => {
              if (v !== null) keep.mutate(v);
            }}
            allowDeselect={false}
            className={classes['level'] ?? ''}
          />
        </div>
      </header>
      {keep.error && (
        <div className={classes['failed']}>
          <ErrorNote>The level was not changed: {errorText(keep.error)}</ErrorNote>
        </div>
      )}
      <div
        ref={box}
        className={classes['lines']}
        tabIndex={0}
        role="log"
        aria-label={`The end of the log of ${p.name}`}
        // It may grow many times a second: those who listen read it when they want to.
        aria-live="off"
        onScroll={(e) => {
          const b = e.currentTarget;
          follows.current = b.scrollHeight - b.scrollTop - b.clientHeight < 30;
        }}
      >
        {log?.items.map((l, i) => <Line key={`${l.time} ${i}`} line={l} />)}
        {log?.items.length === 0 && <p className={classes['none']}>Nothing was logged since the server started, at the level that is kept.</p>}
        {!log && error && <p className={classes['none']}>{errorText(error)}</p>}
      </div>
    </section>
  );
}

const names: Record<Level, string> = { debug: 'debug', info: 'info', warning: 'warn', error: 'error' };

function Line({ line: l }: { line: Schema['PluginLogLine'] }) {
  const fields = Object.entries(l.fields ?? {});
  return (
    <div className={classes['line']} data-level={l.level}>
      <span className={classes['time']}>
        <When time={l.time} />
      </span>
      <span className={classes['name']}>{names[l.level]}</span>
      <span className={classes['text']}>
        {l.text}
        {fields.map(([k, v]) => (
          <span key={k} className={classes['field']}>
            {' '}
            {k}={v}
          </span>
        ))}
      </span>
    </div>
  );
}
