/**
 * Matches numbers in a JSON text that a double might not represent exactly. A match inside a string is harmless: the
 * text is then only parsed more slowly.
 */
const POSSIBLY_INEXACT_NUMBER = /\d[\d.]{15,}|\d[eE]/;

/** TypeScript's library does not declare the third argument yet (proposal "JSON.parse source text access"). */
type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/**
 * Parses JSON so that `JSON.stringify` writes every number with the same value: a number that a double might not
 * represent exactly is kept as text (`JSON.rawJSON`). Throws `SyntaxError`. Pure.
 */
export function parseLossless(text: string): unknown {
  if (!POSSIBLY_INEXACT_NUMBER.test(text)) return JSON.parse(text);
  const keepNumber: Reviver = (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value;
  return JSON.parse(text, keepNumber as (name: string, value: unknown) => unknown);
}
