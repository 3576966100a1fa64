/** The number that an address has as an id, or nothing if it can be none. */
export function parseID(text: string): number | undefined {
  const n = Number(text);
  return Number.isSafeInteger(n) && n > 0 ? n : undefined;
}
