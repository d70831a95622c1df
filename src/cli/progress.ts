import { sanitizeInline } from './output.ts';

/** Shows on a terminal what the command is waiting for, after one second. Standard output is not used. */
export interface ProgressIndicator {
  update(text: string): void;
  /** Clears the message so that a line can be printed; the message is shown again one second later. */
  clear(): void;
  end(): void;
}

const TICK_MS = 1000;
/** Number of active indicators. While one is active, requests made within it show no message of their own. */
let activeIndicators = 0;

/** `since` is when the wait started, if before now (ms since the epoch). */
export function startProgress(text: string, quiet: true | undefined, since = Date.now()): ProgressIndicator {
  if (quiet === true || process.stderr.isTTY !== true) return { update: () => {}, clear: () => {}, end: () => {} };
  activeIndicators++;
  let current = text;
  let isShown = false;
  let hasEnded = false;
  let timer: NodeJS.Timeout;
  const show = () => {
    process.stderr.write(`\r\x1b[K${sanitizeInline(current)} ${Math.floor((Date.now() - since) / TICK_MS)} s`);
    isShown = true;
    scheduleShow(TICK_MS);
  };
  const scheduleShow = (milliseconds: number) => {
    timer = setTimeout(show, milliseconds);
    timer.unref();
  };
  scheduleShow(Math.max(0, since + TICK_MS - Date.now()));
  const clear = () => {
    if (isShown) process.stderr.write('\r\x1b[K');
    isShown = false;
  };
  return {
    update(nextText) {
      current = nextText;
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

/** A `fetch` that shows that the command is waiting for the server, unless an indicator is already active. */
export function fetchWithProgress(quiet: true | undefined): typeof fetch {
  let since: number | undefined;
  return async (input, init) => {
    since ??= Date.now();
    if (activeIndicators > 0) return fetch(input, init);
    const progress = startProgress('Waiting for the server …', quiet, since);
    try {
      return await fetch(input, init);
    } finally {
      progress.end();
    }
  };
}
