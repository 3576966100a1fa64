import { SegmentedControl } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';

/** How a graph is shown. */
export type GraphView = 'drawing' | 'table';

/** The view that an address asks for; without one a drawing where there is room. */
export function useGraphView(asked: string | undefined): GraphView {
  const wide = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false });
  return asked === 'table' || asked === 'drawing' ? asked : wide ? 'drawing' : 'table';
}

/** Switches between the views of a graph. */
export function ViewSwitch({ label, view, onView }: { label: string; view: GraphView; onView: (view: string) => void }) {
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      value={view}
      onChange={onView}
      data={[
        { value: 'drawing', label: 'Drawing' },
        { value: 'table', label: 'Table' },
      ]}
    />
  );
}
