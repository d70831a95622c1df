import { sanitizeInline } from './output.ts';

/** Tells on a terminal what is being waited for, once a second has passed. Standard output stays untouched. */
export interface ProgressIndicator {
  update(text: string): void;
  /** Makes room for a line; it is shown again after the next second. */
  clear(): void;
  end(): void;
}

const TICK_MS = 1000;
/** Those that have begun and not ended: what waits inside of one says nothing of its own. */
let activeIndicators = 0;

/** `since` is when the waiting began, if it was before. */
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

/** A `fetch` that tells that a server is being waited for, unless something else is told already. */
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
