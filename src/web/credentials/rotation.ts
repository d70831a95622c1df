import type { Credential } from './kinds.ts';

/** The two credentials of a rotation by their IDs: the one that is being replaced, and its replacement. */
export interface Rotation {
  readonly oldId: string;
  readonly newId: string;
}

type RotationLinks = Pick<Credential, 'id' | 'replaces' | 'replacedBy'>;

/**
 * Returns the rotation that a credential is part of, or null. A replacement that is itself being replaced is part of
 * two rotations; the result is the later one.
 */
export function rotationOf({ id, replaces, replacedBy }: RotationLinks): Rotation | null {
  if (replacedBy !== null) return { oldId: id, newId: replacedBy };
  return replaces === null ? null : { oldId: replaces, newId: id };
}

/**
 * Returns the rows of a list with each replacement directly below the credential that it replaces. A chain of
 * replacements takes the position of the row in it that comes first in the list.
 */
export function groupReplacements<Row extends RotationLinks>(rows: readonly Row[]): Row[] {
  const remaining = new Map(rows.map((row) => [row.id, row]));
  return rows.flatMap((row) => {
    const group: Row[] = [];
    // Finds the first row of the chain, then adds the whole chain.
    let current = remaining.has(row.id) ? row : undefined;
    for (let old = current; old !== undefined; old = old.replaces === null ? undefined : remaining.get(old.replaces)) {
      current = old;
    }
    while (current !== undefined) {
      group.push(current);
      remaining.delete(current.id);
      current = current.replacedBy === null ? undefined : remaining.get(current.replacedBy);
    }
    return group;
  });
}

/**
 * Whether a row is a replacement directly below the credential that it replaces. False for a replacement that is itself
 * being replaced, because its row shows that newer rotation.
 */
export const isShownBelowItsPredecessor = <Row extends RotationLinks>(
  { replaces, replacedBy }: Row,
  rows: readonly Row[],
): boolean => replaces !== null && replacedBy === null && rows.some(({ id }) => id === replaces);
