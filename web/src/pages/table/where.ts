import type { Schema } from '../../api/client';

/**
 * What a reader asks of the columns, by attribute. In a text it is what the API
 * calls `where`: "status=FAILED", "capacity>=10 TiB", "serial~wd". A reader
 * types less: what is behind the name, and no sign where the usual one is meant.
 */
export type Where = ReadonlyMap<string, string>;

const signs = ['!=', '<=', '>=', '=', '~', '<', '>'];
const numeric = new Set<string>(['integer', 'float', 'bytes']);

/** The sign that is meant if none is typed. */
function usual(kind: string): string {
  return numeric.has(kind) || kind === 'enum' || kind === 'boolean' ? '=' : '~';
}

/** The kinds of values that are chosen from a list. */
export function isChosen(kind: string): boolean {
  return kind === 'enum' || kind === 'boolean';
}

/** Makes the conditions of an address: `;` stands between them, `\` before a `;` within one. */
export function formatWhere(where: Where): string {
  return [...where].map(([name, rest]) => `${name}${rest}`.replaceAll(/[\\;]/g, '\\$&')).join(';');
}

/** Reads what formatWhere made; what is no condition is left out. */
export function parseWhere(text: string | undefined): Map<string, string> {
  const where = new Map<string, string>();
  for (const part of (text ?? '').match(/(?:\\.|[^\\;])+/g) ?? []) {
    const plain = part.replaceAll(/\\(.)/g, '$1');
    const at = plain.search(/[!<>=~]/);
    const name = plain.slice(0, at).trim();
    const rest = plain.slice(at);
    if (at > 0 && signs.some((s) => rest.startsWith(s))) where.set(name, rest);
  }
  return where;
}

/** The conditions as the API takes them. */
export function conditions(where: Where): string[] {
  return [...where].map(([name, rest]) => `${name}${rest}`);
}

/** What a reader sees of a condition: it, without the sign that is usual. */
export function typed(condition: string | undefined, kind: string): string {
  if (condition === undefined) return '';
  const sign = usual(kind);
  return condition.startsWith(sign) ? condition.slice(sign.length) : condition;
}

/** The condition that is typed, or why it is none. Nothing typed is no condition. */
export function readTyped(text: string, kind: string): { condition?: string; error?: string } {
  const t = text.trim();
  if (t === '') return {};
  const sign = signs.find((s) => t.startsWith(s));
  const value = (sign === undefined ? t : t.slice(sign.length)).trim();
  if (numeric.has(kind)) {
    if (value === '' && (sign === '=' || sign === '!=')) return { condition: sign };
    if (!/^-?\d*\.?\d+(e[+-]?\d+)?\s*([kmgtpe]?i?b)?$/i.test(value)) {
      return { error: kind === 'bytes' ? 'Type a number, such as >= 10 TiB' : 'Type a number, such as >= 10' };
    }
  } else if (sign !== undefined && /[<>]/.test(sign)) {
    return { error: 'Only numbers can be compared so' };
  }
  return { condition: `${sign ?? usual(kind)}${value}` };
}

/** An example of what can be typed, as a hint in an empty field. */
export function example(kind: Schema['Kind'] | 'name'): string {
  if (kind === 'bytes') return '> 1 TiB';
  return numeric.has(kind) ? '> 10' : 'contains';
}
