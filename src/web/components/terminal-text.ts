/** Escape sequences for cursor movement and colors (ECMA-48). */
const ESCAPE_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Returns a line as a terminal would show it: without colors, and with overwritten text removed. */
export function toPlainText(text: string): string {
  const withoutEscapes = text.includes('\u001b') ? text.replace(ESCAPE_SEQUENCES, '') : text;
  const withoutTrailingReturns = withoutEscapes.replace(/\r+$/, '');
  return withoutTrailingReturns.slice(withoutTrailingReturns.lastIndexOf('\r') + 1);
}
