/** Reads the titles of charts in an address. */
export function parseTitles(text: string | undefined): Set<string> {
  const titles = (text ?? '').split(',').flatMap((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return []; // nobody but a reader's hand writes such an address
    }
  });
  return new Set(titles.filter((t) => t !== ''));
}

/** The titles as an address has them: commas stand between them, and within them are escaped. Undefined if there are none. */
export function formatTitles(titles: readonly string[]): string | undefined {
  return titles.length === 0 ? undefined : titles.map((t) => encodeURIComponent(t)).join(',');
}
