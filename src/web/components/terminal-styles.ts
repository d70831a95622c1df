import Anser from 'anser';
import { splitAtEscapeSequences, toPlainText, withoutOverwrittenText } from './terminal-text.ts';

/** The escape sequences that set colors and styles. */
const STYLE_SEQUENCE = /^\u001b\[[\d;]*m$/;
/** A line with more segments between escape sequences is shown without styles, because rendering them takes time. */
const MAX_SEGMENTS = 200;

/**
 * A piece of a line in one style. Colors are red, green and blue as in CSS: "187, 0, 0"; null for the default color.
 */
export interface StyledText {
  readonly text: string;
  readonly color: string | null;
  readonly background: string | null;
  readonly decorations: readonly string[];
}

/**
 * Returns the pieces of a line in their colors and styles. Everything else that a terminal would interpret is removed.
 * A line starts without a style, because lines of several processes can alternate.
 */
export function toStyledText(line: string): readonly StyledText[] {
  const segments = splitAtEscapeSequences(withoutOverwrittenText(line));
  if (segments.length === 1 || segments.length > MAX_SEGMENTS)
    return [{ text: toPlainText(line), color: null, background: null, decorations: [] }];
  const styled = segments
    .map(({ text, escapeSequence }) => (STYLE_SEQUENCE.test(escapeSequence) ? escapeSequence + text : text))
    .join('');
  return Anser.ansiToJson(styled, { remove_empty: true }).map(({ content, fg, bg, decorations }) => ({
    text: content,
    color: fg,
    background: bg,
    decorations: [...decorations],
  }));
}
