import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './mask.ts';

/** How much of what a step says is kept; characters, and so many more for each line. */
const LINE_COST = 64;
/** Characters of a line, and of all lines. */
export interface OutputLimits {
  readonly line: number;
  readonly whole: number;
}
export const OUTPUT_LIMITS: OutputLimits = { line: 8192, whole: 4 * 1_048_576 };

/** What the two streams of a step may still say, together. */
export interface Budget {
  left: number;
}

/** Cuts a stream into lines. */
export interface Lines {
  write(chunk: Uint8Array): void;
  /** Gives out what has come without a line's end. */
  flush(): void;
}

/**
 * Cuts bytes into masked lines. Bytes that are no UTF-8 become U+FFFD; of a line that overwrites itself
 * (`\r`) the last state is kept; a line that is too long is cut, and after the budget nothing is given
 * out any more, so that memory is bounded whatever comes. `onFull` is told once.
 */
export function createLines(options: {
  readonly mask: Mask;
  readonly limits: OutputLimits;
  readonly budget: Budget;
  readonly onLine: (text: string) => void;
  readonly onFull: () => void;
}): Lines {
  const { mask, limits, budget, onLine, onFull } = options;
  const kept = limits.line + mask.longest;
  let decoder = new StringDecoder('utf8');
  let line = '';
  let begun = false;

  /** What comes after the end of what is kept of a line can't be told from it any more; it is only counted out. */
  function add(text: string): void {
    begun = true;
    const back = text.length < 2 ? -1 : text.lastIndexOf('\r', text.length - 2);
    if (back >= 0) {
      line = text.slice(back + 1, back + 1 + kept);
      return;
    }
    if (line.endsWith('\r') && text !== '') line = '';
    if (line.length < kept) line += text.slice(0, kept - line.length);
  }

  function give(): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    begun = false;
    if (budget.left <= 0) return;
    const masked = mask(text, limits.line);
    budget.left -= masked.length + LINE_COST;
    onLine(text.length > limits.line ? `${masked}…` : masked);
    if (budget.left <= 0) onFull();
  }

  return {
    write(chunk) {
      if (budget.left <= 0) return;
      const text = decoder.write(chunk as Buffer);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        add(text.slice(start, end));
        give();
        start = end + 1;
      }
      if (start < text.length) add(text.slice(start));
    },
    flush() {
      const rest = decoder.end();
      decoder = new StringDecoder('utf8');
      if (rest !== '') add(rest);
      if (begun) give();
    },
  };
}

/** Takes our own messages (`MARK nonce word value`, to the line's end) out of a stream, wherever they stand. */
export function createMarks(
  begin: string,
  onMark: (word: string, value: string) => void,
  pass: (chunk: Uint8Array) => void,
): Lines {
  const longest = begin.length + 64;
  let held: Buffer = Buffer.alloc(0);

  function split(all: Buffer): Buffer {
    for (;;) {
      const at = all.indexOf(begin);
      if (at < 0) {
        // The beginning of a mark can be the end of a chunk; a mark begins with a character that is rare.
        const maybe = all.lastIndexOf(begin[0] ?? '');
        if (maybe >= 0 && all.length - maybe < longest && begin.startsWith(all.subarray(maybe).toString('latin1'))) {
          if (maybe > 0) pass(all.subarray(0, maybe));
          return all.subarray(maybe);
        }
        if (all.length > 0) pass(all);
        return Buffer.alloc(0);
      }
      const end = all.indexOf('\n', at);
      if (at > 0) pass(all.subarray(0, at));
      if (end < 0) return all.length - at > longest ? split(all.subarray(at + begin.length)) : all.subarray(at);
      const [word = '', value = ''] = all
        .subarray(at + begin.length, end)
        .toString('latin1')
        .trim()
        .split(' ');
      onMark(word, value);
      all = all.subarray(end + 1);
    }
  }

  return {
    write(chunk) {
      held = Buffer.from(split(held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk])));
    },
    flush() {
      if (held.length > 0) pass(held);
      held = Buffer.alloc(0);
    },
  };
}
