/**
 * Escape sequences of terminals (ECMA-48): control sequences (CSI), operating system commands (OSC), and shorter
 * escapes.
 */
export const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;

/** An incomplete escape sequence at the end of a text. */
const UNFINISHED_SEQUENCE = /(?:(?:\u001b\[|\u009b)[0-?]*[ -/]*|\u001b\][^\u0007\u001b]*\u001b?|\u001b[ -/]*)$/;

/** Returns whether a text could contain escape sequences. Pure. */
export const mayHaveEscapeSequences = (text: string): boolean => text.includes('\u001b') || text.includes('\u009b');

/**
 * Returns the position of an incomplete escape sequence at the end of a text; the length of the text if there is none.
 * Pure.
 */
export function unfinishedSequenceStart(text: string): number {
  // Sequences are short, so only the end of a long text is searched.
  const tailStart = Math.max(0, text.length - 256);
  const match = UNFINISHED_SEQUENCE.exec(text.slice(tailStart));
  return match === null ? text.length : tailStart + match.index;
}

/** A text without escape sequences. */
export interface PlainText {
  readonly text: string;
  /** The position of each character in the original text, followed by the length of the original text. */
  readonly positions: readonly number[];
}

/** Removes the escape sequences from a text. Pure. */
export function withoutEscapeSequences(original: string): PlainText {
  const positions: number[] = [];
  let text = '';
  let start = 0;
  const copyUntil = (end: number) => {
    text += original.slice(start, end);
    for (let index = start; index < end; index++) positions.push(index);
  };
  for (const { 0: sequence, index } of original.matchAll(ESCAPE_SEQUENCES)) {
    copyUntil(index);
    start = index + sequence.length;
  }
  copyUntil(original.length);
  positions.push(original.length);
  return { text, positions };
}
