import { useEffect, useImperativeHandle, useRef, type Ref } from 'react';
import { useColors } from './colors';
import type { Drawing, Frame } from './drawing';
import { init } from './engine';
import { optionOf } from './option';

/** What the owner of a drawing may ask of it. */
export interface PlotHandle {
  /** Draws it once more, twice as fine, for a picture. */
  canvas: () => HTMLCanvasElement | undefined;
}

interface Props {
  drawing: Drawing;
  frame: Frame;
  width: number;
  height: number;
  ref?: Ref<PlotHandle>;
}

/** The picture of a chart: axes, lines, bands, cells. It is for the eye only. */
export function Plot({ drawing, frame, width, height, ref }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<ReturnType<typeof init>>(undefined);
  const colors = useColors();

  useEffect(() => {
    const made = init(element.current, null, { renderer: 'canvas' });
    chart.current = made;
    return () => {
      chart.current = undefined;
      made.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current?.resize({ width, height });
    chart.current?.setOption(optionOf(drawing, frame, width, colors), { notMerge: true });
  }, [drawing, frame, width, height, colors]);
  useImperativeHandle(ref, () => ({ canvas: () => chart.current?.renderToCanvas({ pixelRatio: 2, backgroundColor: colors.surface }) }), [colors]);

  return <div ref={element} style={{ width, height }} aria-hidden="true" />;
}
