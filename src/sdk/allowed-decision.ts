import type { CredentialRecord } from '../authorization/record.ts';
import { effectiveRightNamesOf, type RightsMask, rightNamesOf } from '../authorization/rights.ts';
import type { Identity } from './remote-authorizer.ts';

/** Caches the names of the rights in each mask. The cache stays small, because few different masks occur. */
function memoizeNames<Name>(toNames: (rights: RightsMask) => Name[]): (rights: RightsMask) => readonly Name[] {
  const namesByMask = new Map<RightsMask, readonly Name[]>();
  return (rights) => {
    let names = namesByMask.get(rights);
    if (names === undefined) namesByMask.set(rights, (names = Object.freeze(toNames(rights))));
    return names;
  };
}
const scopesOf = memoizeNames((rights) => effectiveRightNamesOf('access_token', rights));
const permissionsOf = memoizeNames((rights) => rightNamesOf('api_key', rights));
const NO_NAMES: readonly never[] = Object.freeze([]);

function identityOf({ id, kind, name, workspace, rights }: CredentialRecord): Identity {
  return {
    credentialId: id,
    kind,
    name,
    workspaceId: workspace.id,
    scopes: kind === 'access_token' ? scopesOf(rights) : NO_NAMES,
    permissions: kind === 'api_key' ? permissionsOf(rights) : NO_NAMES,
  };
}

/**
 * The decision to allow a request. A class with a lazy getter, so that the identity is only built for callers that read
 * it.
 */
export class AllowedDecision {
  readonly allowed = true;
  readonly #record: CredentialRecord;
  #identity: Identity | null = null;

  constructor(record: CredentialRecord) {
    this.#record = record;
  }

  get identity(): Identity {
    return (this.#identity ??= identityOf(this.#record));
  }
}
