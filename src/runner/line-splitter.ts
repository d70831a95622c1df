import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './mask.ts';

/** How much of what a step says is kept; characters, and so many more for each line. */
const LINE_OVERHEAD_CHARACTERS = 64;
/** Characters of a line, and of all lines. */
export interface OutputLimits {
  readonly maxLineCharacters: number;
  readonly maxTotalCharacters: number;
}
export const OUTPUT_LIMITS: OutputLimits = { maxLineCharacters: 8192, maxTotalCharacters: 4 * 1_048_576 };

/** What the two streams of a step may still say, together. */
export interface OutputBudget {
  remaining: number;
}

/** Cuts a stream into lines. */
export interface ByteSink {
  write(chunk: Uint8Array): void;
  /** Gives out what has come without a line's end. */
  flush(): void;
}

/**
 * Cuts bytes into masked lines. Bytes that are no UTF-8 become U+FFFD; of a line that overwrites itself
 * (`\r`) the last state is kept; a line that is too long is cut, and after the budget nothing is given
 * out any more, so that memory is bounded whatever comes. `onFull` is told once.
 */
export function createLineSplitter(options: {
  readonly mask: Mask;
  readonly limits: OutputLimits;
  readonly budget: OutputBudget;
  readonly onLine: (text: string) => void;
  readonly onFull: () => void;
}): ByteSink {
  const { mask, limits, budget, onLine, onFull } = options;
  const keptCharacters = limits.maxLineCharacters + mask.lookahead;
  let decoder = new StringDecoder('utf8');
  let line = '';
  let hasContent = false;

  /** What comes after the end of what is kept of a line can't be told from it any more; it is only counted out. */
  function append(text: string): void {
    hasContent = true;
    const overwriteStart = text.length < 2 ? -1 : text.lastIndexOf('\r', text.length - 2);
    if (overwriteStart >= 0) {
      line = text.slice(overwriteStart + 1, overwriteStart + 1 + keptCharacters);
      return;
    }
    if (line.endsWith('\r') && text !== '') line = '';
    if (line.length < keptCharacters) line += text.slice(0, keptCharacters - line.length);
  }

  function emitLine(): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    hasContent = false;
    if (budget.remaining <= 0) return;
    const masked = mask(text, limits.maxLineCharacters);
    budget.remaining -= masked.length + LINE_OVERHEAD_CHARACTERS;
    onLine(text.length > limits.maxLineCharacters ? `${masked}…` : masked);
    if (budget.remaining <= 0) onFull();
  }

  return {
    write(chunk) {
      if (budget.remaining <= 0) return;
      const text = decoder.write(chunk as Buffer);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        append(text.slice(start, end));
        emitLine();
        start = end + 1;
      }
      if (start < text.length) append(text.slice(start));
    },
    flush() {
      const rest = decoder.end();
      decoder = new StringDecoder('utf8');
      if (rest !== '') append(rest);
      if (hasContent) emitLine();
    },
  };
}

/** Takes our own messages (`MARK nonce word value`, to the line's end) out of a stream, wherever they stand. */
export function createMarkerExtractor(
  markerPrefix: string,
  onMarker: (word: string, value: string) => void,
  pass: (chunk: Uint8Array) => void,
): ByteSink {
  const maxMarkerBytes = markerPrefix.length + 64;
  let pending: Buffer = Buffer.alloc(0);

  function split(all: Buffer): Buffer {
    for (;;) {
      const start = all.indexOf(markerPrefix);
      if (start < 0) {
        // The beginning of a mark can be the end of a chunk; a mark begins with a character that is rare.
        const partialStart = all.lastIndexOf(markerPrefix[0] ?? '');
        if (
          partialStart >= 0 &&
          all.length - partialStart < maxMarkerBytes &&
          markerPrefix.startsWith(all.subarray(partialStart).toString('latin1'))
        ) {
          if (partialStart > 0) pass(all.subarray(0, partialStart));
          return all.subarray(partialStart);
        }
        if (all.length > 0) pass(all);
        return Buffer.alloc(0);
      }
      const end = all.indexOf('\n', start);
      if (start > 0) pass(all.subarray(0, start));
      if (end < 0)
        return all.length - start > maxMarkerBytes
          ? split(all.subarray(start + markerPrefix.length))
          : all.subarray(start);
      const [word = '', value = ''] = all
        .subarray(start + markerPrefix.length, end)
        .toString('latin1')
        .trim()
        .split(' ');
      onMarker(word, value);
      all = all.subarray(end + 1);
    }
  }

  return {
    write(chunk) {
      pending = Buffer.from(split(pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk])));
    },
    flush() {
      if (pending.length > 0) pass(pending);
      pending = Buffer.alloc(0);
    },
  };
}
