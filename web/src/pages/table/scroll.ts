import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';

/**
 * How high a box may be, in pixels. Browsers lay out some 17 to 33 million;
 * a million rows are more.
 */
export const maxHeight = 8_000_000;

/** Where a reader stands in a list that may be higher than its scroll bar can say. */
export interface Place {
  /** What of the list is above the view, in pixels. */
  top: number;
  /** What the scroll bar says. */
  scrollTop: number;
}

/** The height of the box that the browser scrolls. */
export function boxHeight(content: number): number {
  return Math.min(content, maxHeight);
}

/**
 * The place after the browser has scrolled. In a list that is too high, a small
 * step moves by as many pixels, as a wheel and the arrow keys should; a large
 * one, from the scroll bar itself, goes to the same share of the list.
 */
export function follow(from: Place, scrollTop: number, content: number, view: number): Place {
  if (content <= maxHeight) return { top: scrollTop, scrollTop };
  const room = boxHeight(content) - view;
  const far = content - view;
  const step = scrollTop - from.scrollTop;
  const small = Math.abs(step) < 2 * view && scrollTop > 0 && scrollTop < room;
  const top = small ? from.top + step : (scrollTop / room) * far;
  return { top: Math.min(far, Math.max(0, top)), scrollTop };
}

/** The same place with a scroll bar that tells the right share of the list. */
export function settle(place: Place, content: number, view: number): Place {
  if (content <= maxHeight || content <= view) return place;
  return { top: place.top, scrollTop: Math.round((place.top / (content - view)) * (boxHeight(content) - view)) };
}

const overscan = 10;

/** The rows in view, and how to move it. */
export interface Window {
  onScroll: () => void;
  /** The first row that stands in the page and the one after the last. */
  first: number;
  end: number;
  /** The first row that can be seen, and how many can. */
  top: number;
  fits: number;
  /** Room for the rows before and after, in pixels. */
  before: number;
  after: number;
  /** Brings a row to the top. */
  jump: (row: number) => void;
}

/** Keeps only the rows in view in the page, for a list of any length. `head` is the height of what stands above the rows. */
export function useWindow(scroller: RefObject<HTMLDivElement | null>, total: number, rowHeight: number, head: number): Window {
  const [place, setPlace] = useState<Place>({ top: 0, scrollTop: 0 });
  // Before the first layout (and in tests) there is no height to go by.
  const [view, setView] = useState(600);
  const content = total * rowHeight;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useLayoutEffect(() => {
    const e = scroller.current;
    if (!e) return;
    const measure = () => setView(Math.max(rowHeight, e.clientHeight - head || 600));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(e);
    return () => observer.disconnect();
  }, [scroller, rowHeight, head]);

  const move = (to: Place) => {
    setPlace(to);
    const e = scroller.current;
    if (e && Math.abs(e.scrollTop - to.scrollTop) >= 1) e.scrollTo({ top: to.scrollTop, behavior: 'instant' });
  };

  const onScroll = () => {
    const e = scroller.current;
    if (!e || e.scrollTop === place.scrollTop) return;
    const next = follow(place, e.scrollTop, content, view);
    setPlace(next);
    clearTimeout(timer.current);
    if (content > maxHeight) timer.current = setTimeout(() => move(settle(next, content, view)), 150);
  };
  useEffect(() => () => clearTimeout(timer.current), []);

  const jump = (row: number) => {
    const to = Math.max(0, Math.min(row * rowHeight, content - view));
    move(content <= maxHeight ? { top: to, scrollTop: to } : settle({ top: to, scrollTop: 0 }, content, view));
  };

  const top = Math.min(place.top, Math.max(0, content - view));
  const seen = Math.floor(top / rowHeight);
  const fits = Math.ceil(view / rowHeight);
  const first = Math.max(0, seen - overscan);
  const end = Math.min(total, seen + fits + overscan);
  const before = Math.max(0, first * rowHeight - place.top + place.scrollTop);
  const after = Math.max(0, boxHeight(content) - before - (end - first) * rowHeight);
  return { onScroll, first, end, top: seen, fits, before, after, jump };
}
