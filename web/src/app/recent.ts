const key = 'faultline-recent';
const most = 6;

/** A resource that was opened from the search. */
export interface Recent {
  id: number;
  name: string;
  label: string;
}

/** What was opened from the search in this browser, the last one first. */
export function recent(): Recent[] {
  try {
    const list: unknown = JSON.parse(window.localStorage.getItem(key) ?? '[]');
    return Array.isArray(list) ? list.filter(isRecent) : [];
  } catch {
    return [];
  }
}

function isRecent(x: unknown): x is Recent {
  const r = x as Partial<Recent> | null;
  return typeof r?.id === 'number' && typeof r.name === 'string' && typeof r.label === 'string';
}

/** Notes that a resource was opened. */
export function remember(r: Recent): void {
  window.localStorage.setItem(key, JSON.stringify([r, ...recent().filter((x) => x.id !== r.id)].slice(0, most)));
}
