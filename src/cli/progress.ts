import { sanitizeInline } from './output.ts';

/** Shows on a terminal what the command is waiting for, once the wait has lasted a second. Prints to standard error. */
export interface ProgressIndicator {
  update(text: string): void;
  /** Clears the message so that a line can be printed; the message is shown again within a second. */
  clear(): void;
  end(): void;
}

const TICK_MS = 1000;
/** Number of active indicators. While an indicator is active, requests show no message of their own. */
let activeIndicators = 0;

/** Starts an indicator. `sinceMs` is when the wait started, in milliseconds since the epoch. */
export function startProgress(text: string, quiet: true | undefined, sinceMs = Date.now()): ProgressIndicator {
  if (quiet === true || process.stderr.isTTY !== true) return { update: () => {}, clear: () => {}, end: () => {} };
  activeIndicators++;
  let currentText = text;
  let isShown = false;
  let hasEnded = false;
  let timer: NodeJS.Timeout;
  const show = () => {
    process.stderr.write(`\r\x1b[K${sanitizeInline(currentText)} ${Math.floor((Date.now() - sinceMs) / TICK_MS)} s`);
    isShown = true;
    scheduleShow(TICK_MS);
  };
  const scheduleShow = (delayMs: number) => {
    timer = setTimeout(show, delayMs);
    timer.unref();
  };
  scheduleShow(Math.max(0, sinceMs + TICK_MS - Date.now()));
  const clear = () => {
    if (isShown) process.stderr.write('\r\x1b[K');
    isShown = false;
  };
  return {
    update(nextText) {
      currentText = nextText;
    },
    clear,
    end() {
      clearTimeout(timer);
      clear();
      if (!hasEnded) activeIndicators--;
      hasEnded = true;
    },
  };
}

/**
 * Returns a `fetch` that shows that the command is waiting for the server, unless an indicator is already active. The
 * time shown counts from the first request.
 */
export function fetchWithProgress(quiet: true | undefined): typeof fetch {
  let sinceMs: number | undefined;
  return async (input, init) => {
    sinceMs ??= Date.now();
    if (activeIndicators > 0) return fetch(input, init);
    const progress = startProgress('Waiting for the server …', quiet, sinceMs);
    try {
      return await fetch(input, init);
    } finally {
      progress.end();
    }
  };
}
