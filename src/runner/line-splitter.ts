import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './mask.ts';

/** Added to the length of each line when it is counted against the budget, in characters. */
const LINE_OVERHEAD_CHARACTERS = 64;
/** Maximum number of characters shown of a line that has not ended yet. */
const MAX_UNFINISHED_CHARACTERS = 2000;
/** Maximum number of characters per line and of all lines together. */
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
  /** Emits the remaining text, which has no line end. */
  flush(): void;
}

export interface LineSplitter extends ByteSink {
  /** Returns the part of the unfinished line that can be shown, masked; null if there is no unfinished line. */
  unfinishedLine(): string | null;
}

/**
 * Splits bytes into masked lines. Invalid UTF-8 becomes U+FFFD; a line that overwrites itself (`\r`) keeps its last
 * state; lines that are too long are truncated; and after the budget is used up nothing is emitted, so memory is
 * bounded for any input. `onFull` is called once.
 */
export function createLineSplitter(options: {
  readonly mask: Mask;
  readonly limits: OutputLimits;
  readonly budget: OutputBudget;
  readonly onLine: (text: string) => void;
  readonly onFull: () => void;
}): LineSplitter {
  const { mask, limits, budget, onLine, onFull } = options;
  const keptCharacters = limits.maxLineCharacters + mask.lookahead;
  let decoder = new StringDecoder('utf8');
  let line = '';
  let hasContent = false;

  /** Appends text to the current line. Text beyond `keptCharacters` is dropped. */
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

/** Removes Devpilot's markers (`MARKER_PREFIX nonce name value`, up to the line end) from a stream, at any position. */
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
        // A chunk may end within a marker; a marker begins with a rare character.
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
