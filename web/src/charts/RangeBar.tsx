import { ActionIcon, Button, Popover, TextInput, Tooltip } from '@mantine/core';
import { IconCalendar, IconChevronLeft, IconChevronRight, IconZoomIn, IconZoomOut, IconZoomReset } from '@tabler/icons-react';
import { useState } from 'react';
import { formatInterval } from '../format/time';
import { useBoard } from './board';
import { intervalOf, isLive, moved, presets, rangeText, scaled, type Range } from './range';
import classes from './RangeBar.module.css';

/** What time the charts of the board show: a range that moves with time, a custom one, a part of it, and the way back. */
export function RangeBar() {
  const { range, zoom, shown, setRange, setZoom } = useBoard();
  const present = () => intervalOf(shown, Date.now());
  return (
    <div className={classes['bar']} role="group" aria-label="Time shown">
      <div className={classes['presets']}>
        {presets.map((p) => (
          <button key={p.key} type="button" aria-pressed={!zoom && rangeText(range) === p.key} onClick={() => setRange({ live: p.length })}>
            {p.label}
          </button>
        ))}
        <Custom key={rangeText(shown)} shown={shown} pressed={!zoom && !isLive(range)} onChoose={setRange} />
      </div>
      <div className={classes['shown']}>
        {isLive(shown) ? (
          <span className={classes['live']}>
            <i aria-hidden="true" /> Follows the present
          </span>
        ) : (
          <span className="number">{formatInterval(shown.from, shown.to)}</span>
        )}
      </div>
      <div className={classes['acts']}>
        {zoom && (
          <Button variant="light" leftSection={<IconZoomReset size={14} aria-hidden />} onClick={() => setZoom(undefined)}>
            Back to {isLive(range) ? (presets.find((p) => p.length === range.live)?.label ?? rangeText(range)) : 'the whole range'}
          </Button>
        )}
        <Act label="Earlier" icon={<IconChevronLeft size={16} />} onClick={() => setZoom(moved(present(), -0.5))} />
        <Act label="Later" icon={<IconChevronRight size={16} />} disabled={isLive(shown)} onClick={() => setZoom(moved(present(), 0.5))} />
        <Act label="Zoom out" icon={<IconZoomOut size={16} />} onClick={() => setZoom(scaled(present(), 2))} />
        <Act label="Zoom in" icon={<IconZoomIn size={16} />} onClick={() => setZoom(scaled(present(), 0.5))} />
      </div>
    </div>
  );
}

function Act({ label, icon, onClick, disabled = false }: { label: string; icon: React.ReactNode; onClick: () => void; disabled?: boolean }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size="md" aria-label={label} onClick={onClick} disabled={disabled}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

/** A range by its two ends, in the reader's zone. */
function Custom({ shown, pressed, onChoose }: { shown: Range; pressed: boolean; onChoose: (range: Range) => void }) {
  const [opened, setOpened] = useState(false);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [error, setError] = useState<{ from?: string; to?: string }>({});
  const open = () => {
    const now = intervalOf(shown, Date.now());
    setFrom(localText(now.from));
    setTo(localText(now.to));
    setError({});
    setOpened(!opened);
  };
  const choose = () => {
    const range = { from: new Date(from).getTime(), to: new Date(to).getTime() };
    if (Number.isNaN(range.from)) setError({ from: 'Needs a date and a time.' });
    else if (Number.isNaN(range.to)) setError({ to: 'Needs a date and a time.' });
    else if (range.from >= range.to) setError({ to: 'Must be after the beginning.' });
    else {
      setOpened(false);
      onChoose(range);
    }
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" aria-pressed={pressed} aria-expanded={opened} onClick={open}>
          <IconCalendar size={14} aria-hidden /> Custom
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          className={classes['custom']}
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            choose();
          }}
        >
          <TextInput type="datetime-local" step={1} label="From" value={from} error={error.from} onChange={(e) => setFrom(e.currentTarget.value)} />
          <TextInput type="datetime-local" step={1} label="To" value={to} error={error.to} onChange={(e) => setTo(e.currentTarget.value)} />
          <Button type="submit">Show this time</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** A point in time as the browser's own field has it: local, to the second. */
function localText(t: number): string {
  return new Date(t - new Date(t).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
