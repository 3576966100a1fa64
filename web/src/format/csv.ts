/** A field of a table; null is an empty one. */
export type Field = string | number | null;

/**
 * A table as CSV (RFC 4180). A text that a spreadsheet would take for a formula
 * gets an apostrophe in front; numbers stay numbers.
 */
export function csv(rows: readonly (readonly Field[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(value: Field): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
