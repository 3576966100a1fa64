import { describe, expect, it } from 'vitest';
import { boxHeight, follow, maxHeight, settle } from './scroll';

const view = 600;
const million = 34_000_000;

describe('a list that fits', () => {
  it('is where the scroll bar says', () => {
    expect(follow({ top: 0, scrollTop: 0 }, 5000, 10_000, view)).toEqual({ top: 5000, scrollTop: 5000 });
    expect(settle({ top: 5000, scrollTop: 5000 }, 10_000, view)).toEqual({ top: 5000, scrollTop: 5000 });
  });
});

describe('a list that is too high', () => {
  it('has a box that browsers can lay out', () => {
    expect(boxHeight(million)).toBe(maxHeight);
  });
  it('moves by pixels in small steps', () => {
    const at = settle({ top: 17_000_000, scrollTop: 0 }, million, view);
    expect(follow(at, at.scrollTop + 100, million, view).top).toBe(17_000_100);
    expect(follow(at, at.scrollTop - 100, million, view).top).toBe(16_999_900);
  });
  it('goes to the same share of the list in large steps', () => {
    const room = maxHeight - view;
    const half = follow({ top: 0, scrollTop: 0 }, room / 2, million, view);
    expect(half.top).toBeCloseTo((million - view) / 2);
  });
  it('has a first and a last row that can be reached, from anywhere', () => {
    const room = maxHeight - view;
    expect(follow({ top: 3000, scrollTop: 100 }, 0, million, view).top).toBe(0);
    expect(follow({ top: million - 3000, scrollTop: room - 100 }, room, million, view).top).toBe(million - view);
  });
  it('never goes beyond its ends in small steps', () => {
    expect(follow({ top: 10, scrollTop: 500 }, 100, million, view).top).toBe(0);
  });
  it('does not move its rows when the scroll bar is put right', () => {
    const drifted = { top: 1_000_000, scrollTop: 999 };
    const at = settle(drifted, million, view);
    expect(at.top).toBe(drifted.top);
    expect(at.scrollTop / (maxHeight - view)).toBeCloseTo(1_000_000 / (million - view), 5);
  });
});
