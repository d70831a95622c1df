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

/** Resolves when the server answers again, at once if it does. */
function back(): Promise<void> {
  if (!lost) return Promise.resolve();
  return new Promise((resolve) => {
    const listener = () => {
      if (lost) return;
      listeners.delete(listener);
      resolve();
    };
    listeners.add(listener);
  });
}

/**
 * Loads a part of the page, waiting out a lost network. What fails although the server answers is a part of an
 * older version, and the page must be loaded anew: that error goes on.
 */
export async function patiently<Part>(load: () => Promise<Part>): Promise<Part> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      const answers = await fetch('/healthz', { cache: 'no-store' }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (answers) throw error;
      noteSilence();
      await back();
    }
  }
}
