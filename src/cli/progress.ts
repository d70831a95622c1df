import { plain } from './output.ts';

/** Tells on a terminal what is being waited for, once a second has passed. Standard output stays untouched. */
export interface Progress {
  say(text: string): void;
  /** Makes room for a line; it is shown again after the next second. */
  clear(): void;
  end(): void;
}

const SECOND = 1000;
/** Those that have begun and not ended: what waits inside of one says nothing of its own. */
let under = 0;

/** `since` is when the waiting began, if it was before. */
export function startProgress(text: string, quiet: true | undefined, since = Date.now()): Progress {
  if (quiet === true || process.stderr.isTTY !== true) return { say: () => {}, clear: () => {}, end: () => {} };
  under++;
  let current = text;
  let shown = false;
  let ended = false;
  let timer: NodeJS.Timeout;
  const show = () => {
    process.stderr.write(`\r\x1b[K${plain(current)} ${Math.floor((Date.now() - since) / SECOND)} s`);
    shown = true;
    showIn(SECOND);
  };
  const showIn = (milliseconds: number) => {
    timer = setTimeout(show, milliseconds);
    timer.unref();
  };
  showIn(Math.max(0, since + SECOND - Date.now()));
  const clear = () => {
    if (shown) process.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    say(next) {
      current = next;
    },
    clear,
    end() {
      clearTimeout(timer);
      clear();
      if (!ended) under--;
      ended = true;
    },
  };
}

/** A `fetch` that tells that a server is being waited for, unless something else is told already. */
export function tellingFetch(quiet: true | undefined): typeof fetch {
  let since: number | undefined;
  return async (input, init) => {
    since ??= Date.now();
    if (under > 0) return fetch(input, init);
    const progress = startProgress('Waiting for the server …', quiet, since);
    try {
      return await fetch(input, init);
    } finally {
      progress.end();
    }
  };
}
