/** Where in the change log the server was when it gave an answer, by the answer. */
const positions = new WeakMap<object, string>();

/** Keeps the position that a response tells of its body, if it tells one. */
export function keepPosition(body: unknown, response: Response): void {
  const position = response.headers.get('Faultline-Position');
  if (position !== null && typeof body === 'object' && body !== null) positions.set(body, position);
}

/** Whether an answer, or each page of one, is known to be from a position. */
export function isFrom(answer: unknown, position: string): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  const pages = (answer as { pages?: unknown }).pages;
  if (Array.isArray(pages)) return pages.every((page) => isFrom(page, position));
  return positions.get(answer) === position;
}
