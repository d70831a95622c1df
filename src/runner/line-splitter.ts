import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './mask.ts';

/** Number of characters by which each line reduces the budget in addition to its length. */
const LINE_OVERHEAD_CHARACTERS = 64;
/** Maximum number of characters that are shown of a line that has not ended yet. */
const MAX_UNFINISHED_CHARACTERS = 2000;

/** The maximum number of characters per line, and of all lines together. */
export interface OutputLimits {
  readonly maxLineCharacters: number;
  readonly maxTotalCharacters: number;
}
export const OUTPUT_LIMITS: OutputLimits = { maxLineCharacters: 8192, maxTotalCharacters: 4 * 1_048_576 };

/** The remaining output budget in characters, shared by both streams of a step. */
export interface OutputBudget {
  remaining: number;
}

/** Receives a stream in chunks. */
export interface ByteSink {
  write(chunk: Uint8Array): void;
  /** Ends the stream: emits the bytes or text that are still held back. */
  flush(): void;
}

export interface LineSplitter extends ByteSink {
  /**
   * Returns the part of the unfinished line that can be shown, masked; null if there is no unfinished line or the
   * budget is used up.
   */
  unfinishedLine(): string | null;
}

/**
 * Splits bytes into masked lines. Invalid UTF-8 becomes U+FFFD. Of a line that overwrites itself (`\r`), only the last
 * state is emitted. Lines that are too long are truncated, and no line is emitted after the budget is used up, so that
 * memory is bounded for any input. `onFull` is called once, when the budget is used up.
 */
export function createLineSplitter(options: {
  readonly mask: Mask;
  readonly limits: OutputLimits;
  readonly budget: OutputBudget;
  readonly onLine: (text: string) => void;
  readonly onFull: () => void;
}): LineSplitter {
  const { mask, limits, budget, onLine, onFull } = options;
  const maxBufferedCharacters = limits.maxLineCharacters + mask.lookahead;
  let decoder = new StringDecoder('utf8');
  let line = '';
  let hasContent = false;

  /** Appends text to the current line. Text beyond `maxBufferedCharacters` is dropped. */
  function append(text: string): void {
    hasContent = true;
    // A "\r" at the end is ignored for now, because it overwrites nothing until text follows.
    const overwriteStart = text.length < 2 ? -1 : text.lastIndexOf('\r', text.length - 2);
    if (overwriteStart >= 0) {
      line = text.slice(overwriteStart + 1, overwriteStart + 1 + maxBufferedCharacters);
      return;
    }
    if (line.endsWith('\r') && text !== '') line = '';
    if (line.length < maxBufferedCharacters) line += text.slice(0, maxBufferedCharacters - line.length);
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
    unfinishedLine() {
      if (!hasContent || budget.remaining <= 0) return null;
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      return mask(text, Math.min(mask.showableLength(text), MAX_UNFINISHED_CHARACTERS));
    },
    flush() {
      const incompleteCharacter = decoder.end();
      decoder = new StringDecoder('utf8');
      if (incompleteCharacter !== '') append(incompleteCharacter);
      if (hasContent) emitLine();
    },
  };
}

/**
 * Removes Devpilot's markers (`markerPrefix`, a name, a space, a value and a line end) from a stream, at any position,
 * and passes the other bytes to `pass`.
 */
export function createMarkerExtractor(
  markerPrefix: string,
  onMarker: (name: string, value: string) => void,
  pass: (chunk: Uint8Array) => void,
): ByteSink {
  const maxMarkerBytes = markerPrefix.length + 64;
  let pending: Buffer = Buffer.alloc(0);

  /** Handles the markers and passes the other bytes. Returns the last bytes that may begin a marker. */
  function processBytes(bytes: Buffer): Buffer {
    for (;;) {
      const start = bytes.indexOf(markerPrefix);
      if (start < 0) {
        // The bytes may end within the prefix of a marker, which begins with a rare character.
        const partialStart = bytes.lastIndexOf(markerPrefix[0] ?? '');
        if (
          partialStart >= 0 &&
          bytes.length - partialStart < maxMarkerBytes &&
          markerPrefix.startsWith(bytes.subarray(partialStart).toString('latin1'))
        ) {
          if (partialStart > 0) pass(bytes.subarray(0, partialStart));
          return bytes.subarray(partialStart);
        }
        if (bytes.length > 0) pass(bytes);
        return Buffer.alloc(0);
      }
      if (start > 0) pass(bytes.subarray(0, start));
      const end = bytes.indexOf('\n', start);
      if (end < 0) {
        if (bytes.length - start <= maxMarkerBytes) return bytes.subarray(start);
        // Too long to be a marker: the prefix is dropped, and the bytes after it are output.
        bytes = bytes.subarray(start + markerPrefix.length);
        continue;
      }
      const [name = '', value = ''] = bytes
        .subarray(start + markerPrefix.length, end)
        .toString('latin1')
        .trim()
        .split(' ');
      onMarker(name, value);
      bytes = bytes.subarray(end + 1);
    }
  }

  return {
    write(chunk) {
      pending = Buffer.from(processBytes(pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk])));
    },
    flush() {
      if (pending.length > 0) pass(pending);
      pending = Buffer.alloc(0);
    },
  };
}
