/**
 * Removes the text format of an integer or boolean from a JSON Schema. Zod describes the text in the query string, such
 * as its digits; API references and tools describe the value.
 */
export function removeTextFormat(schema: { type?: unknown; pattern?: unknown; enum?: unknown }): void {
  if (schema.type !== 'integer' && schema.type !== 'boolean') return;
  delete schema.pattern;
  delete schema.enum;
}
