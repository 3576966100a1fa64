import type { Schema } from '../api/client';

/** "plugin.Class" of what carries both. */
export function fullClass(of: { plugin: string; class: string }): string {
  return `${of.plugin}.${of.class}`;
}

/** The classes' labels by their full names; a name that is not known stands for itself. */
export class ClassLabels {
  private readonly classes: Map<string, Schema['Class']>;

  constructor(classes: Schema['Class'][]) {
    this.classes = new Map(classes.map((c) => [c.full, c]));
  }

  get(full: string): Schema['Class'] | undefined {
    return this.classes.get(full);
  }

  label(full: string): string {
    const label = this.classes.get(full)?.label;
    // A class without a label of its own is called plugin.Class; in our lists
    // the plugin is clear from the place.
    return label === undefined || label === full ? full.slice(full.indexOf('.') + 1) : label;
  }
}
