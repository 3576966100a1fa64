import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data } from '../../api/client';
import { fullClass } from '../../ui/classes';
import { useClasses } from '../../ui/useClasses';

interface Props {
  id: string;
  name: string;
  label: string;
  description: string | undefined;
  error: string | undefined;
  withAsterisk: boolean;
  disabled: boolean;
  value: string | null;
  onChange: (value: string | null) => void;
}

/** Chooses another resource, found by its name or attributes. */
export function ReferenceField({ value, onChange, ...rest }: Props) {
  const [text, setText] = useState('');
  const [query] = useDebouncedValue(text.trim(), 200);
  const labels = useClasses();
  const { data: found } = useQuery({
    queryKey: ['search', query, 'reference'],
    queryFn: ({ signal }) => data(api.GET('/resources', { params: { query: { ...(query === '' ? {} : { q: query }), limit: 20, sort: 'name' } }, signal })),
    placeholderData: keepPreviousData,
  });
  return (
    <Select
      {...rest}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': `Clear ${rest.label}` }}
      placeholder="Search a resource"
      nothingFoundMessage="Nothing found"
      searchValue={text}
      onSearchChange={setText}
      // The server has filtered already.
      filter={({ options }) => options}
      data={(found?.items ?? []).map((r) => ({ value: String(r.id), label: `${r.name} (${labels.label(fullClass(r))})` }))}
      value={value}
      onChange={onChange}
    />
  );
}
