import { useSyncExternalStore } from 'react';

const key = 'faultline-token';

/** Whether the server asks for a token that we do not have. */
let wanted = false;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

/** The token of this browser tab, or empty. It ends with the tab. */
export function token(): string {
  return window.sessionStorage.getItem(key) ?? '';
}

/** Keeps a token that the server took. */
export function keepToken(value: string): void {
  window.sessionStorage.setItem(key, value);
  wanted = false;
  tell();
}

/** Says that the server refused a request for want of a (right) token. */
export function refuseToken(): void {
  if (wanted) return;
  wanted = true;
  tell();
}

/** Whether the user must sign in. */
export function useTokenWanted(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
  );
}
