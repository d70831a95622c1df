/** Escape sequences of terminals (ECMA-48): control sequences, commands of the operating system, and single escapes. */
export const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;

/** An escape sequence that has begun at the end of a text. */
const UNFINISHED_SEQUENCE = /(?:(?:\u001b\[|\u009b)[0-?]*[ -/]*|\u001b\][^\u0007\u001b]*\u001b?|\u001b[ -/]*)$/;

/** Whether a text may contain escape sequences. Pure. */
export const mayHaveEscapeSequences = (text: string): boolean => text.includes('\u001b') || text.includes('\u009b');

/** Returns where an escape sequence begins that the text does not end; its length if there is none. Pure. */
export function unfinishedSequenceStart(text: string): number {
  // A sequence is short; the rest of a long text need not be searched.
  const tailStart = Math.max(0, text.length - 256);
  const found = UNFINISHED_SEQUENCE.exec(text.slice(tailStart));
  return found === null ? text.length : tailStart + found.index;
}

/** A text without escape sequences. */
export interface PlainText {
  readonly text: string;
  /** The position in the original of each character, and of its end. */
  readonly positions: readonly number[];
}

/** Pure. */
export function withoutEscapeSequences(original: string): PlainText {
  const positions: number[] = [];
  let text = '';
  let start = 0;
  const take = (end: number) => {
    text += original.slice(start, end);
    for (let index = start; index < end; index++) positions.push(index);
  };
  for (const { 0: sequence, index } of original.matchAll(ESCAPE_SEQUENCES)) {
    take(index);
    start = index + sequence.length;
  }
  take(original.length);
  positions.push(original.length);
  return { text, positions };
}
