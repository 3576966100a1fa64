import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { tableSerializer } from '../../api/client';
import { errorText, ProblemError } from '../../api/problem';
import type { ResourceFilter } from '../../api/queries';
import { token } from '../../api/token';

interface Props {
  filter: ResourceFilter;
  columns: string[];
}

/** Has all rows of a table saved as a CSV file, as they are filtered and sorted. */
export function Download({ filter, columns }: Props) {
  const { limit: _, ...rest } = filter;
  const address = `/api/v1/resources?${tableSerializer({ ...rest, format: 'csv', columns })}`;
  const name = `${filter.plugin ?? ''}.${filter.class ?? ''}.csv`;
  const fetched = useMutation({
    // A link cannot carry a token, so the file goes through the page's memory.
    mutationFn: async () => {
      const response = await fetch(address, { headers: { Authorization: `Bearer ${token()}` } });
      if (!response.ok) throw ProblemError.from(response.status, await response.json().catch(() => undefined));
      save(URL.createObjectURL(await response.blob()), name);
    },
  });
  const icon = <IconDownload size={14} aria-hidden />;
  if (token() === '') {
    return (
      <Button component="a" href={address} download={name} variant="default" leftSection={icon}>
        CSV
      </Button>
    );
  }
  return (
    <>
      <Button variant="default" leftSection={icon} loading={fetched.isPending} onClick={() => fetched.mutate()}>
        CSV
      </Button>
      {fetched.error && (
        <span role="alert" style={{ color: 'var(--fl-error)' }}>
          {errorText(fetched.error)}
        </span>
      )}
    </>
  );
}

function save(url: string, name: string): void {
  const a = document.createElement('a');
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
