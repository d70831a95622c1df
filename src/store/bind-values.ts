import { Problem } from '../contract/problem.ts';
import type { Bindable } from './store.ts';

/**
 * Throws a TypeError for a value that an engine cannot bind unchanged. SQLite would interpret a Date or a plain object
 * as named parameters and silently bind NULL. Throws `validation_failed` for text that engines store differently.
 * Request schemas reject such text earlier, with the field's name; this is the last line of defense.
 */
export function assertBindable(value: unknown): asserts value is Bindable {
  if (value === null || value instanceof Uint8Array || typeof value === 'bigint') return;
  if (typeof value === 'string') {
    // PostgreSQL cannot store NUL, and a lone surrogate would be read back as different text.
    if (!value.includes('\0') && value.isWellFormed()) return;
    const errors = [{ field: 'body', message: 'must be well-formed Unicode without NUL' }];
    throw new Problem('validation_failed', 'The request contains text that cannot be stored.', { errors });
  }
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const description = typeof value === 'number' ? 'number that is not finite' : typeof value;
  throw new TypeError(`A ${description} cannot be bound to a statement.`);
}
