import { Combobox, Loader, TextInput, useCombobox } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { api, data } from '../api/client';
import { fullClass } from '../ui/classes';
import { HealthIcon } from '../ui/HealthIcon';
import { useClasses } from '../ui/useClasses';
import classes from './Search.module.css';

const shown = 8;

/** Finds resources by name or attribute, from any page. The key / leads here. */
export function Search() {
  const [text, setText] = useState('');
  const [query] = useDebouncedValue(text.trim(), 200);
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const labels = useClasses();
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  useHotkeys([['/', () => input.current?.focus()]]);

  const { data: found, isFetching } = useQuery({
    queryKey: ['search', query],
    queryFn: ({ signal }) => data(api.GET('/resources', { params: { query: { q: query, limit: shown, sort: '-health' } }, signal })),
    enabled: query !== '',
    placeholderData: keepPreviousData,
    staleTime: 5000,
  });

  function go(value: string): void {
    combobox.closeDropdown();
    input.current?.blur();
    if (value === 'all') void navigate({ to: '/search', search: { q: text.trim() } });
    else void navigate({ to: '/resource/$id', params: { id: value } });
    setText('');
  }

  const items = found?.items ?? [];
  return (
    <Combobox store={combobox} onOptionSubmit={go} shadow="md">
      <Combobox.Target>
        <TextInput
          ref={input}
          type="search"
          size="xs"
          aria-label="Search all resources"
          placeholder="Search by name, serial number, address …"
          leftSection={<IconSearch size={15} aria-hidden />}
          rightSection={isFetching && query !== '' ? <Loader size={14} /> : <kbd className={classes['key']}>/</kbd>}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            combobox.openDropdown();
          }}
          onFocus={() => combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
          onKeyDown={(e) => {
            // Enter without a chosen line shows all that was found.
            if (e.key === 'Enter' && combobox.getSelectedOptionIndex() < 0 && text.trim() !== '') go('all');
            if (e.key === 'Escape') setText('');
          }}
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={query === '' || !found}>
        <Combobox.Options aria-label="Found resources">
          {items.map((r) => (
            <Combobox.Option value={String(r.id)} key={r.id}>
              <span className={classes['row']}>
                <HealthIcon health={r.health} size={14} />
                <span className={classes['name']}>{r.name}</span>
                <span className={classes['class']}>{labels.label(fullClass(r))}</span>
              </span>
            </Combobox.Option>
          ))}
          {items.length === 0 && <Combobox.Empty>Nothing has “{query}” in its name or attributes.</Combobox.Empty>}
          {found?.next !== undefined && (
            <Combobox.Option value="all">
              <span className={classes['all']}>Show all that was found</span>
            </Combobox.Option>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
