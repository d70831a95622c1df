import { Problem } from '../contract/problem.ts';
import type { Bindable } from './store.ts';

/**
 * Throws for a value that no engine can bind as it is. A Date or a plain object would be taken for
 * named parameters by SQLite and bind NULL without a word. Throws `validation_failed` for text that is
 * not the same on every engine: schemas refuse it by its field, and this is what is left of it.
 */
export function assertBindable(value: unknown): asserts value is Bindable {
  if (value === null || value instanceof Uint8Array) return;
  if (typeof value === 'bigint') return;
  if (typeof value === 'string') {
    // PostgreSQL has no NUL, and half a surrogate pair would be another text when it is read back.
    if (!value.includes('\0') && value.isWellFormed()) return;
    const errors = [{ field: 'body', message: 'must be well-formed Unicode without NUL' }];
    throw new Problem('validation_failed', 'The request contains text that cannot be stored.', { errors });
  }
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new TypeError(`A ${typeof value} cannot be bound to a statement.`);
}
