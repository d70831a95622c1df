import { useSyncExternalStore } from 'react';

/**
 * Whether the server is unreachable. Updated by every API request and, while the value is true, by a periodic probe.
 */
let connectionLost = false;
const listeners = new Set<() => void>();
let probeScheduled = false;
let reconnectHandler: () => void = () => {};

const PROBE_INTERVAL_MS = 2000;

function setConnectionLost(isLost: boolean): void {
  if (connectionLost === isLost) return;
  connectionLost = isLost;
  for (const listener of listeners) listener();
  if (!isLost) reconnectHandler();
}

function probe(): void {
  probeScheduled = false;
  fetch('/healthz', { cache: 'no-store' }).then(
    (response) => (response.ok ? setConnectionLost(false) : scheduleProbe()),
    () => scheduleProbe(),
  );
}

function scheduleProbe(): void {
  if (probeScheduled) return;
  probeScheduled = true;
  setTimeout(probe, PROBE_INTERVAL_MS);
}

export function markReachable(): void {
  setConnectionLost(false);
}

export function markUnreachable(): void {
  setConnectionLost(true);
  scheduleProbe();
}

/** Sets the handler that is called when the server is reachable again. */
export function setReconnectHandler(handler: () => void): void {
  reconnectHandler = handler;
}

/** Returns true while the server cannot be reached. */
export function useConnectionLost(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connectionLost,
  );
}

/** Resolves when the server is reachable, immediately if it already is. */
function waitUntilReachable(): Promise<void> {
  if (!connectionLost) return Promise.resolve();
  return new Promise((resolve) => {
    const listener = () => {
      if (connectionLost) return;
      listeners.delete(listener);
      resolve();
    };
    listeners.add(listener);
  });
}

/**
 * Loads a chunk of the web UI; while the server is unreachable, waits and tries again. Rethrows the error if the server
 * is reachable: the chunk then belongs to an older version, and the page must be reloaded.
 */
export async function importWhenOnline<Module>(load: () => Promise<Module>): Promise<Module> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      const isReachable = await fetch('/healthz', { cache: 'no-store' }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReachable) throw error;
      markUnreachable();
      await waitUntilReachable();
    }
  }
}
