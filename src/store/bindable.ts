import type { Bindable } from './store.ts';

/**
 * Throws for a value that no engine can bind as it is. A Date or a plain object would be taken for
 * named parameters by SQLite and bind NULL without a word.
 */
export function checkBindable(value: unknown): asserts value is Bindable {
  if (value === null || value instanceof Uint8Array) return;
  if (typeof value === 'string' || typeof value === 'bigint') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new TypeError(`A ${typeof value} can't be bound to a statement.`);
}
