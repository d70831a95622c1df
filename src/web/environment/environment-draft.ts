import { ENV_NAME } from '../../contract/dotenv.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { strings } from './strings.ts';

/** The unsaved changes by variable name: the new value, or null to remove the variable. */
export type Draft = ReadonlyMap<string, string | null>;

export interface VariableChange {
  readonly name: string;
  /** `overridden`: the app has its own value instead of its project's. */
  readonly kind: 'added' | 'overridden' | 'changed' | 'removed';
  /** The current value; undefined for a new variable, and if the value has not been revealed. */
  readonly before: string | undefined;
  readonly after: string | null;
}

/**
 * Returns the changes of a draft, sorted by name, without variables whose value is known to be unchanged. `ownNames`
 * contains the variables of the app or project itself, without inherited ones.
 */
export function diffDraft(
  ownNames: ReadonlySet<string>,
  inheritedNames: ReadonlySet<string>,
  revealed: ReadonlyMap<string, string>,
  draft: Draft,
): VariableChange[] {
  const changes: VariableChange[] = [];
  for (const [name, after] of draft) {
    const before = revealed.get(name);
    if (after === null) {
      if (ownNames.has(name)) changes.push({ name, kind: 'removed', before, after });
    } else if (!ownNames.has(name) && !inheritedNames.has(name)) {
      changes.push({ name, kind: 'added', before: undefined, after });
    } else if (before !== after) {
      changes.push({ name, kind: ownNames.has(name) ? 'changed' : 'overridden', before, after });
    }
  }
  return changes.sort((first, second) => (first.name < second.name ? -1 : 1));
}

/**
 * Adds a file's variables to the draft. With `removeOthers`, also removes all other variables of the app or project
 * itself, including new ones in the draft.
 */
export function mergeFile(
  ownNames: ReadonlySet<string>,
  draft: Draft,
  file: ReadonlyMap<string, string>,
  { removeOthers }: { readonly removeOthers: boolean },
): Draft {
  const mergedDraft = new Map<string, string | null>(draft);
  for (const [name, value] of file) mergedDraft.set(name, value);
  if (!removeOthers) return mergedDraft;
  for (const name of [...ownNames, ...draft.keys()]) {
    if (file.has(name)) continue;
    if (ownNames.has(name)) mergedDraft.set(name, null);
    else mergedDraft.delete(name);
  }
  return mergedDraft;
}

/** Returns the validation error of a new variable's name, or null. */
export function validateVariableName(name: string, existingNames: ReadonlySet<string>): string | null {
  if (name === '') return strings.environmentDraft.nameMissing;
  if (name === '__proto__') return strings.environmentDraft.nameReserved;
  if (name.length > RESOURCE_LIMITS.envName) return strings.environmentDraft.nameTooLong(RESOURCE_LIMITS.envName);
  if (!ENV_NAME.test(name)) return strings.environmentDraft.nameInvalid;
  return existingNames.has(name) ? strings.environmentDraft.nameTaken : null;
}

export function validateVariableValue(value: string): string | null {
  if (value.includes('\0') || !value.isWellFormed()) return strings.environmentDraft.valueInvalid;
  return new TextEncoder().encode(value).length > RESOURCE_LIMITS.envValueBytes
    ? strings.environmentDraft.valueTooLong
    : null;
}
