import { ENV_NAME } from '../../contract/dotenv.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';

/** What is to be written: a value, or null for a variable to be removed. */
export type Draft = ReadonlyMap<string, string | null>;

export interface VariableChange {
  readonly name: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** What it is now; undefined where that was not revealed. */
  readonly before: string | undefined;
  readonly after: string | null;
}

/**
 * What a draft would change, by name. What it would leave as it is, as far as that is known, is not among
 * it. Pure.
 */
export function diffDraft(
  names: ReadonlySet<string>,
  revealed: ReadonlyMap<string, string>,
  draft: Draft,
): VariableChange[] {
  const changes: VariableChange[] = [];
  for (const [name, after] of draft) {
    const before = revealed.get(name);
    if (after === null) {
      if (names.has(name)) changes.push({ name, kind: 'removed', before, after });
    } else if (!names.has(name)) changes.push({ name, kind: 'added', before: undefined, after });
    else if (before !== after) changes.push({ name, kind: 'changed', before, after });
  }
  return changes.sort((first, second) => (first.name < second.name ? -1 : 1));
}

/** A draft with what a file says; with `replace` also without what it does not say. Pure. */
export function mergeFile(
  names: ReadonlySet<string>,
  draft: Draft,
  file: ReadonlyMap<string, string>,
  replace: boolean,
): Draft {
  const next = new Map<string, string | null>(draft);
  for (const [name, value] of file) next.set(name, value);
  if (!replace) return next;
  for (const name of [...names, ...draft.keys()]) {
    if (file.has(name)) continue;
    if (names.has(name)) next.set(name, null);
    else next.delete(name);
  }
  return next;
}

/** What is wrong with the name of a new variable, null where nothing is. */
export function validateVariableName(name: string, existingNames: ReadonlySet<string>): string | null {
  if (name.length > RESOURCE_LIMITS.envName) return `Must be at most ${RESOURCE_LIMITS.envName} characters`;
  if (!ENV_NAME.test(name)) return 'Must contain only letters, digits and underscores, and not start with a digit';
  return existingNames.has(name) ? 'A variable with this name already exists' : null;
}

export function validateVariableValue(value: string): string | null {
  if (value.includes('\0') || !value.isWellFormed()) return 'Must not contain NUL characters';
  return new TextEncoder().encode(value).length > RESOURCE_LIMITS.envValueBytes ? 'Must be at most 64 KiB' : null;
}
