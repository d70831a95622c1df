/** What moves a terminal's cursor or colours its text (ECMA-48). */
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** A line as it would be read on a terminal, without colours, and with what was written over what. Pure. */
export function plainText(text: string): string {
  const plain = text.includes('\u001b') ? text.replace(SEQUENCES, '') : text;
  const written = plain.replace(/\r+$/, '');
  return written.slice(written.lastIndexOf('\r') + 1);
}
