/** Tells on a terminal what is being waited for, once a second has passed. Standard output stays untouched. */
export interface Progress {
  say(text: string): void;
  /** Makes room for a line; it is shown again after the next second. */
  clear(): void;
  end(): void;
}

export function startProgress(text: string, quiet: true | undefined): Progress {
  if (quiet === true || process.stderr.isTTY !== true) return { say: () => {}, clear: () => {}, end: () => {} };
  const started = Date.now();
  let current = text;
  let shown = false;
  const timer = setInterval(() => {
    const seconds = Math.floor((Date.now() - started) / 1000);
    process.stderr.write(`\r\x1b[K${current} ${seconds} s`);
    shown = true;
  }, 1000);
  timer.unref();
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
      clearInterval(timer);
      clear();
    },
  };
}
