import { QueryClient } from '@tanstack/react-query';
import { ProblemError } from './problem';

/** Makes the store of answers. The event stream says when they are out of date. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Answers that nobody looks at are not refreshed by events' rounds but
        // marked; this bounds their age all the same.
        staleTime: 60_000,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        // What the server refuses it will refuse again; a lost connection heals.
        retry: (count, err) => !(err instanceof ProblemError && err.status < 500) && count < 3,
        retryDelay: (n) => Math.min(5000, 500 * 2 ** n),
      },
    },
  });
}
