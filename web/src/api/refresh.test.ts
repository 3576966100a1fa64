import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { expect, it, vi } from 'vitest';
import { keepPosition } from './positions';
import { Refresher } from './refresh';

function from(position: string | undefined, body: object): object {
  keepPosition(body, new Response('', position === undefined ? {} : { headers: { 'Faultline-Position': position } }));
  return body;
}

it('reads again what is not from the position at which a stream begins, once it is there', async () => {
  const client = new QueryClient();
  const asked: string[] = [];
  const waiting = new Map<string, (answer: object) => void>();
  const ask = (name: string) =>
    new QueryObserver(client, {
      queryKey: [name],
      queryFn: () => {
        asked.push(name);
        return new Promise<object>((resolve) => waiting.set(name, resolve));
      },
    }).subscribe(() => undefined);
  const answer = async (name: string, body: object) => {
    waiting.get(name)?.(body);
    await vi.waitFor(() => expect(client.getQueryState([name])?.fetchStatus).toBe('idle'));
  };
  const names = ['same', 'older', 'silent', 'pages', 'mixed', 'comes', 'comes late'];
  names.forEach(ask);
  await answer('same', from('7.1', { a: 1 }));
  await answer('older', from('6.1', { a: 1 }));
  await answer('silent', from(undefined, { a: 1 }));
  await answer('pages', { pages: [from('7.1', {}), from('7.1', {})], pageParams: [] });
  await answer('mixed', { pages: [from('7.1', {}), from('6.1', {})], pageParams: [] });
  expect(asked.splice(0)).toEqual(names);

  const refresher = new Refresher(client);
  refresher.begin('7.1');
  expect(asked.splice(0)).toEqual(['older', 'silent', 'mixed']);
  await answer('comes', from('7.1', { a: 1 }));
  expect(asked).toEqual([]);
  waiting.get('comes late')?.(from('6.1', { a: 1 }));
  await vi.waitFor(() => expect(asked.splice(0)).toEqual(['comes late']));
  // What was asked for after the stream began is good, whatever it is from.
  await answer('older', from('8.1', { a: 2 }));
  await answer('comes late', from('6.1', { a: 2 }));
  expect(asked).toEqual([]);
  refresher.stop();
});
