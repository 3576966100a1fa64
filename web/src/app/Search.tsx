import { Combobox, Loader, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { IconClock, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import type { Schema } from '../api/client';
import { errorText } from '../api/problem';
import { searchQuery } from '../api/queries';
import { formatCount } from '../format/number';
import { fullClass } from '../ui/classes';
import { HealthIcon } from '../ui/HealthIcon';
import { useClasses } from '../ui/useClasses';
import { recent, remember, type Recent } from './recent';
import classes from './Search.module.css';

const shown = 4;

/** Finds resources by name or attribute, from any page. The key / leads here. */
export function Search() {
  const [text, setText] = useState('');
  const [query] = useDebouncedValue(text.trim(), 150);
  const [last, setLast] = useState<Recent[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const labels = useClasses();
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  useHotkeys([
    ['/', () => input.current?.focus()],
    ['mod+K', () => input.current?.focus()],
  ]);
  const { data: found, isFetching, error } = useQuery(searchQuery(query, shown));
  const groups = query === '' ? [] : (found?.groups ?? []);

  function go(value: string): void {
    combobox.closeDropdown();
    input.current?.blur();
    const [kind, rest = ''] = value.split(/:(.*)/s);
    if (kind === 'all') void navigate({ to: '/search', search: { q: text.trim() } });
    else if (kind === 'class') {
      const [plugin = '', name = ''] = rest.split('.');
      void navigate({ to: '/resources/$plugin/$class', params: { plugin, class: name }, search: { q: text.trim() } });
    } else {
      const id = Number(rest);
      const item = groups.flatMap((g) => g.items.map((i) => ({ id: i.id, name: i.name, label: labels.label(fullClass(g)) }))).find((i) => i.id === id) ?? last.find((r) => r.id === id);
      if (item) remember(item);
      void navigate({ to: '/resource/$id', params: { id: rest } });
    }
    setText('');
  }

  const open = query === '' ? last.length > 0 : found !== undefined || error !== null;
  return (
    <Combobox store={combobox} onOptionSubmit={go} shadow="md" withinPortal={false}>
      <Combobox.Target>
        <TextInput
          ref={input}
          type="search"
          size="xs"
          aria-label="Search all resources"
          placeholder="Search by name, serial number, WWN, address …"
          leftSection={<IconSearch size={15} aria-hidden />}
          rightSection={isFetching && query !== '' ? <Loader size={14} /> : <kbd className={classes['key']}>/</kbd>}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            combobox.openDropdown();
            combobox.resetSelectedOption();
          }}
          onFocus={() => {
            setLast(recent());
            combobox.openDropdown();
          }}
          onBlur={() => combobox.closeDropdown()}
          onKeyDown={(e) => {
            // Enter without a chosen line shows all that was found.
            if (e.key === 'Enter' && combobox.getSelectedOptionIndex() < 0 && text.trim() !== '') go('all');
            if (e.key === 'Escape') setText('');
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!open} className={classes['dropdown'] ?? ''}>
        <Combobox.Options aria-label="Found resources">
          {query === '' && last.length > 0 && (
            <Combobox.Group label="Opened lately">
              {last.map((r) => (
                <Combobox.Option value={`id:${r.id}`} key={r.id}>
                  <span className={classes['row']}>
                    <IconClock size={14} aria-hidden />
                    <span className={classes['name']}>{r.name}</span>
                    <span className={classes['why']}>{r.label}</span>
                  </span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          )}
          {groups.slice(0, 8).map((g) => (
            <Combobox.Group key={fullClass(g)} label={`${labels.label(fullClass(g))} · ${formatCount(g.count)}`}>
              {g.items.map((i) => (
                <Combobox.Option value={`id:${i.id}`} key={i.id}>
                  <Found item={i} text={query} />
                </Combobox.Option>
              ))}
              {g.count > g.items.length && (
                <Combobox.Option value={`class:${fullClass(g)}`}>
                  <span className={classes['all']}>
                    All {formatCount(g.count)} in {labels.label(fullClass(g))}
                  </span>
                </Combobox.Option>
              )}
            </Combobox.Group>
          ))}
          {query !== '' && found && groups.length === 0 && <Combobox.Empty>Nothing has “{query}” in its name or attributes.</Combobox.Empty>}
          {query !== '' && error && !found && <Combobox.Empty>{errorText(error)}</Combobox.Empty>}
          {groups.length > 8 && (
            <Combobox.Option value="all">
              <span className={classes['all']}>All that was found</span>
            </Combobox.Option>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

/** One resource that was found, and where the text stands if that is not the name. */
export function Found({ item, text }: { item: Schema['SearchItem']; text: string }) {
  return (
    <span className={classes['row']}>
      <HealthIcon health={item.health} size={14} />
      <span className={classes['name']}>
        <Marked text={item.name} part={text} />
        {item.root && <span className="muted"> · {item.root}</span>}
      </span>
      {item.attribute !== undefined && (
        <span className={classes['why']}>
          {item.attribute} <Marked text={item.text ?? ''} part={text} />
        </span>
      )}
    </span>
  );
}

/** A text with the searched part of it set off. */
function Marked({ text, part }: { text: string; part: string }) {
  const i = part === '' ? -1 : text.toLowerCase().indexOf(part.toLowerCase());
  if (i < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, i)}
      <mark>{text.slice(i, i + part.length)}</mark>
      {text.slice(i + part.length)}
    </>
  );
}
