import { formatInterval, formatTime } from '../format/time';
import { healthName } from '../ui/health';
import type { Marker } from './markers';
import type { Interval } from './range';

interface About {
  title: string;
  interval: Interval;
  legend: readonly { label: string; text: string; color: string }[];
  markers: readonly Marker[];
}

/** Puts around a drawing what a picture of it must say by itself: the title, the time, the lines' names, the alerts. */
export function pictureOf(drawn: HTMLCanvasElement, { title, interval, legend, markers }: About): HTMLCanvasElement {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const scale = 2;
  const pad = 12 * scale;
  const row = 19 * scale;
  const alerts = markers.slice(0, 12);
  const canvas = document.createElement('canvas');
  canvas.width = drawn.width + 2 * pad;
  canvas.height = drawn.height + 2 * pad + row * (2 + (legend.length > 0 ? 1 : 0) + alerts.length);
  const c = canvas.getContext('2d');
  if (!c) return drawn;
  const write = (text: string, x: number, y: number, { size = 12, bold = false, ink = color('--fl-text') } = {}) => {
    c.font = `${bold ? '600 ' : ''}${size * scale}px ${getComputedStyle(document.body).fontFamily}`;
    c.fillStyle = ink;
    c.fillText(text, x, y);
    return c.measureText(text).width;
  };
  c.fillStyle = color('--fl-surface');
  c.fillRect(0, 0, canvas.width, canvas.height);
  let y = pad + 12 * scale;
  write(title, pad, y, { size: 14, bold: true });
  y += row;
  write(formatInterval(interval.from, interval.to), pad, y, { ink: color('--fl-muted') });
  c.drawImage(drawn, pad, y + 6 * scale);
  y += drawn.height + row;
  let x = pad;
  for (const item of legend) {
    c.fillStyle = color(item.color);
    c.fillRect(x, y - 9 * scale, 10 * scale, 10 * scale);
    x += 15 * scale;
    x += write(item.label, x, y) + 18 * scale;
  }
  if (legend.length > 0) y += row;
  for (const m of alerts) {
    const end = m.ended === undefined ? 'active' : `until ${formatTime(m.ended)}`;
    write(`${healthName(m.severity)}: ${m.message}, from ${formatTime(m.began)}, ${end}`, pad, y, { ink: color('--fl-muted') });
    y += row;
  }
  return canvas;
}
