/** What moves a terminal's cursor or colours its text (ECMA-48). */
const ESCAPE_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** A line as it would be read on a terminal, without colours, and with what was written over what. Pure. */
export function toPlainText(text: string): string {
  const withoutEscapes = text.includes('\u001b') ? text.replace(ESCAPE_SEQUENCES, '') : text;
  const withoutTrailingReturns = withoutEscapes.replace(/\r+$/, '');
  return withoutTrailingReturns.slice(withoutTrailingReturns.lastIndexOf('\r') + 1);
}
