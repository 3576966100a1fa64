import type { Schema } from '../../api/client';

/** One column of a table of resources, as the class's declaration gives it. */
export interface ColumnSpec {
  /** What the server calls the column where it sorts, filters and exports; it stands in addresses. */
  id: string;
  /** The attribute or statistic; of the name, `name`. */
  name: string;
  source: 'name' | 'attribute' | 'statistic';
  header: string;
  kind: Schema['Kind'] | Schema['StatisticKind'] | 'name';
  /** In pixels; all columns grow alike where there is room. */
  width: number;
  align: 'left' | 'right';
  sortable: boolean;
  /** The values that there can be, for a choice. */
  options?: string[];
}

// Wide enough for nearly all values of the kind, so that columns stand still
// while rows come and go.
const widths: Record<Schema['Kind'], number> = {
  string: 155,
  integer: 90,
  float: 100,
  boolean: 90,
  bytes: 110,
  enum: 120,
  hostname: 180,
  uuid: 300,
  path: 220,
  password: 0,
  reference: 175,
};

const right = new Set<string>(['integer', 'float', 'bytes']);

/** What the server takes for a field that all resources have, unless told that an attribute is meant. */
const fields = new Set(['id', 'name', 'class', 'health', 'updated', 'first_seen']);

export const nameColumn: ColumnSpec = {
  id: 'name',
  name: 'name',
  source: 'name',
  header: 'Name',
  kind: 'name',
  width: 235,
  align: 'left',
  sortable: true,
};

/** A column is never so narrow that its heading does not fit. */
function widthFor(kindWidth: number, header: string): number {
  return Math.max(kindWidth, Math.min(260, header.length * 8 + 40));
}

/**
 * The columns of a class: name, the declared attributes without hidden ones
 * and passwords, and the latest values of gauges and counters. A histogram
 * has no place in a cell.
 */
export function classColumns(cls: Schema['Class']): ColumnSpec[] {
  const byName = new Map(cls.attributes.map((a) => [a.name, a]));
  const columns = [nameColumn];
  for (const name of cls.columns) {
    const a = byName.get(name);
    if (!a || a.hidden || a.kind === 'password') continue;
    columns.push({
      id: fields.has(a.name) ? `attribute.${a.name}` : a.name,
      name: a.name,
      source: 'attribute',
      header: a.label,
      kind: a.kind,
      width: widthFor(widths[a.kind], a.label),
      align: right.has(a.kind) ? 'right' : 'left',
      sortable: true,
      ...(a.kind === 'enum' ? { options: (a.options ?? []).map(String) } : a.kind === 'boolean' ? { options: ['yes', 'no'] } : {}),
    });
  }
  for (const s of cls.statistics) {
    if (s.kind === 'histogram') continue;
    columns.push({
      id: s.name,
      name: s.name,
      source: 'statistic',
      header: s.label,
      kind: s.kind,
      width: widthFor(115, s.label),
      align: 'right',
      // The server sorts by attributes only.
      sortable: false,
    });
  }
  return columns;
}

/** The columns that an address chooses, in the order of the class; the name is always among them. */
export function chosenColumns(all: ColumnSpec[], chosen: string | undefined): ColumnSpec[] {
  if (chosen === undefined) return all;
  const names = new Set(chosen.split(','));
  return all.filter((c) => c.source === 'name' || names.has(c.id));
}
