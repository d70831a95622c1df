import { useSyncExternalStore } from 'react';

/** Whether the server answers. Set by every request, and by a small probe while it does not. */
let lost = false;
const listeners = new Set<() => void>();
let probing = false;
let onReturn: () => void = () => {};

const PROBE_EVERY = 2000;

function set(next: boolean): void {
  if (lost === next) return;
  lost = next;
  for (const listener of listeners) listener();
  if (!next) onReturn();
}

function ask(): void {
  probing = false;
  fetch('/healthz', { cache: 'no-store' }).then(
    (response) => (response.ok ? set(false) : schedule()),
    () => schedule(),
  );
}

function schedule(): void {
  if (probing) return;
  probing = true;
  setTimeout(ask, PROBE_EVERY);
}

export function noteAnswer(): void {
  set(false);
}

export function noteSilence(): void {
  set(true);
  schedule();
}

/** Sets what happens when the server answers again. */
export function whenBack(then: () => void): void {
  onReturn = then;
}

/** True while the server can not be reached. */
export function useConnectionLost(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => lost,
  );
}
