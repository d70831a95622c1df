import { ESCAPE_SEQUENCES } from '../../contract/escape-sequences.ts';

/** Control characters except tab. */
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

export interface Segment {
  /** Text without control characters. */
  readonly text: string;
  /** The escape sequence before the text. */
  readonly escapeSequence: string;
}

/** Returns the last part between carriage returns that has text, because a terminal overwrites the parts before it. */
export const withoutOverwrittenText = (line: string): string =>
  line.split('\r').findLast((part) => part.replace(ESCAPE_SEQUENCES, '') !== '') ?? '';

/** Splits text at its escape sequences. */
export function splitAtEscapeSequences(text: string): readonly Segment[] {
  const escapeSequences = ['', ...(text.match(ESCAPE_SEQUENCES) ?? [])];
  return text.split(ESCAPE_SEQUENCES).map((part, index) => ({
    text: part.replace(CONTROL_CHARACTERS, ''),
    escapeSequence: escapeSequences[index] ?? '',
  }));
}

/** Returns the text of a line that a terminal would show: without control sequences and without overwritten text. */
export const toPlainText = (line: string): string =>
  splitAtEscapeSequences(withoutOverwrittenText(line))
    .map(({ text }) => text)
    .join('');
