import { useMemo, useSyncExternalStore } from 'react';
import type { Marker } from './markers';

/** The colours of a drawing, which page.css has for light and dark. */
export interface Colors {
  text: string;
  muted: string;
  line: string;
  surface: string;
  /** Of the lines, in turn. */
  lines: string[];
  severity: Record<Marker['severity'], string>;
}

const attribute = 'data-mantine-color-scheme';

function subscribe(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: [attribute] });
  return () => observer.disconnect();
}

/** How many colours lines have; more lines begin again. */
export const lineColors = 8;

/** The name of the colour of line number i. */
export function lineColor(i: number): string {
  return `--fl-chart-${(i % lineColors) + 1}`;
}

/** The present colours as a canvas needs them. */
export function useColors(): Colors {
  const scheme = useSyncExternalStore(subscribe, () => document.documentElement.getAttribute(attribute));
  return useMemo(() => readColors(scheme), [scheme]);
}

// The scheme is what the computed style follows from.
function readColors(_scheme: string | null): Colors {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: get('--fl-text'),
    muted: get('--fl-muted'),
    line: get('--fl-line-soft'),
    surface: get('--fl-surface'),
    lines: Array.from({ length: lineColors }, (_, i) => get(lineColor(i))),
    severity: { info: get('--fl-info'), warning: get('--fl-warning-fill'), error: get('--fl-error') },
  };
}
