export type JsonObject = Readonly<Record<string, unknown>>;
const EMPTY_OBJECT: JsonObject = {};
/** Returns an object unchanged; an empty object for any other value. */
export const asObject = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : EMPTY_OBJECT;
/** Returns an array unchanged; an empty array for any other value. */
export const asArray = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
