/**
 * Removes `pattern` and `enum` from the JSON Schema of an integer or boolean. With these, Zod describes its text in a
 * query string, such as digits; API references and MCP tools describe the value.
 */
export function removeTextFormat(schema: { type?: unknown; pattern?: unknown; enum?: unknown }): void {
  if (schema.type !== 'integer' && schema.type !== 'boolean') return;
  delete schema.pattern;
  delete schema.enum;
}
