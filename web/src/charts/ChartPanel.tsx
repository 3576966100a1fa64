import { ActionIcon, Menu } from '@mantine/core';
import { IconDotsVertical, IconFileTypeCsv, IconPhoto, IconTable } from '@tabler/icons-react';
import { useId, useRef, type ReactNode } from 'react';
import type { Schema } from '../api/client';
import { csv } from '../format/csv';
import { useBoard } from './board';
import classes from './ChartPanel.module.css';
import { saveFile, saveText } from './files';
import type { CountMode } from './histogram';
import type { Interval } from './range';
import { csvRows, valueTable } from './table';
import type { PlotHandle } from './Plot';
import { pictureOf } from './picture';
import { ValueTable } from './ValueTable';
import type { Marker } from './markers';

/** A chart and all that is shown with it, as its panel has them. */
export interface ChartProps {
  chart: Schema['Chart'];
  interval: Interval;
  markers: readonly Marker[];
  /** What to say in place of a chart without samples. */
  nothing: ReactNode;
  /** The resource's name, which files and pictures bear. */
  owner: string;
}

interface Props extends ChartProps {
  mode: CountMode;
  legend: { label: string; text: string; color: string }[];
  /** Beside the title. */
  aside?: ReactNode;
  children: (plot: React.RefObject<PlotHandle | null>) => ReactNode;
}

/** The frame of a chart: its title, what it can be saved as, and its values as a table. */
export function ChartPanel({ chart, interval, markers, owner, mode, legend, aside, children }: Props) {
  const id = useId();
  const plot = useRef<PlotHandle>(null);
  const { tables, toggleTable } = useBoard();
  const asTable = tables.has(chart.title);
  const name = fileName(owner, chart.title);
  return (
    <section className={classes['panel']} aria-labelledby={id} data-chart={chart.title}>
      <header>
        <h3 id={id}>{chart.title}</h3>
        {aside}
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`More about ${chart.title}`}>
              <IconDotsVertical size={15} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconTable size={15} aria-hidden />} onClick={() => toggleTable(chart.title)}>
              {asTable ? 'Hide the table' : 'Show as a table'}
            </Menu.Item>
            <Menu.Item leftSection={<IconFileTypeCsv size={15} aria-hidden />} onClick={() => saveText(`${name}.csv`, 'text/csv', csv(csvRows(valueTable(chart, mode))))}>
              Save as CSV
            </Menu.Item>
            <Menu.Item
              leftSection={<IconPhoto size={15} aria-hidden />}
              onClick={() => {
                const drawn = plot.current?.canvas();
                if (drawn) pictureOf(drawn, { title: `${owner}: ${chart.title}`, interval, legend, markers }).toBlob((blob) => blob && saveFile(`${name}.png`, blob));
              }}
            >
              Save as PNG
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </header>
      {children(plot)}
      {asTable && <ValueTable title={chart.title} table={valueTable(chart, mode)} />}
    </section>
  );
}

/** A name for a file that every system takes. */
function fileName(...words: string[]): string {
  return words.map((w) => w.replace(/[^\p{L}\p{N}.]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '')).join('-').toLowerCase();
}
