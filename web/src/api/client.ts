import createClient, { type Middleware } from 'openapi-fetch';
import { keepPosition } from './positions';
import { ProblemError } from './problem';
import type { components, paths } from './schema';
import { refuseToken, token } from './token';

/** The types of the API, by their names in openapi.yaml. */
export type Schema = components['schemas'];

/** Adds the token to every request, and asks for one when the server does. */
const authorize: Middleware = {
  onRequest({ request }) {
    const t = token();
    if (t !== '') request.headers.set('Authorization', `Bearer ${t}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) refuseToken();
    return response;
  },
};

/** The API client. Its calls never throw for an answer; `data` does. */
export const api = createClient<paths, 'application/json'>({
  // Absolute, as the Request of tests demands it.
  baseUrl: `${window.location.origin}/api/v1`,
  // Found at the time of the call, so that tests may replace it.
  fetch: (request) => globalThis.fetch(request),
  querySerializer: { array: { style: 'form', explode: false } },
});
api.use(authorize);

/** The query of a table: lists are joined with commas, but for conditions, which stand one by one. */
export function tableSerializer(query: object): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query as Record<string, string | number | string[] | undefined>)) {
    if (key === 'where' && Array.isArray(value)) value.forEach((v) => params.append(key, v));
    else if (value !== undefined) params.set(key, String(value));
  }
  return params.toString();
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns the answer's data, or throws a ProblemError. */
export async function data<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data: body, error, response } = await call;
  if (!response.ok) throw ProblemError.from(response.status, error);
  keepPosition(body, response);
  return body as T;
}
