import { FOREIGN_PREFIX_LIMITS, FOREIGN_SECRET_LIMITS } from '../contract/limits.ts';
import type { CredentialRecord } from './record.ts';
import { digestOf, secretKindOf } from './secret.ts';
import type { FindRecord } from './unknown-secret-limiter.ts';

/** A prefix of secrets of another system, and the workspace that declares it in its policy. */
export interface DeclaredPrefix {
  readonly workspaceId: string;
  readonly prefix: string;
}

/** The prefixes of secrets of other systems that workspaces accept, in memory on every node. */
export interface ForeignPrefixes {
  /** Whether text has the form of a secret with a declared prefix. No I/O. */
  isDeclared(text: string): boolean;
  /** Whether text has the form of a secret with a prefix that this workspace declares. No I/O. */
  isDeclaredBy(text: string, workspaceId: string): boolean;
  /**
   * Reads the declared prefixes again. Rejects with the error of the read; the previous prefixes then stay in effect.
   */
  refresh(): Promise<void>;
}

/** The syntax of a bearer token (RFC 6750, section 2.1). */ const BEARER_TOKEN = /^[0-9A-Za-z._~+/-]+=*$/;

const NO_WORKSPACES: readonly ReadonlySet<string>[] = [];

export function createForeignPrefixes(read: () => Promise<readonly DeclaredPrefix[]>): ForeignPrefixes {
  let workspacesByPrefix: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  let startedReads = 0;
  let appliedRead = 0;

  /** Returns, for each declared prefix of `text`, the workspaces that declare it. */
  function workspacesOf(text: string): readonly ReadonlySet<string>[] {
    const { min, max } = FOREIGN_PREFIX_LIMITS.length;
    const { tail, length } = FOREIGN_SECRET_LIMITS;
    if (workspacesByPrefix.size === 0 || text.length > length.max || text.length < min + tail.min) return NO_WORKSPACES;
    const found: ReadonlySet<string>[] = [];
    const longest = Math.min(max, text.length - tail.min);
    for (let prefixLength = min; prefixLength <= longest; prefixLength++) {
      const workspaces = workspacesByPrefix.get(text.slice(0, prefixLength));
      if (workspaces !== undefined) found.push(workspaces);
    }
    return found.length > 0 && BEARER_TOKEN.test(text) ? found : NO_WORKSPACES;
  }

  return {
    isDeclared: (text) => workspacesOf(text).length > 0,
    isDeclaredBy: (text, workspaceId) => workspacesOf(text).some((workspaces) => workspaces.has(workspaceId)),
    async refresh() {
      const number = ++startedReads;
      const declared = await read();
      // A later read has been applied already.
      if (number < appliedRead) return;
      appliedRead = number;
      const byPrefix = new Map<string, Set<string>>();
      for (const { prefix, workspaceId } of declared) {
        const workspaces = byPrefix.get(prefix);
        if (workspaces === undefined) byPrefix.set(prefix, new Set([workspaceId]));
        else workspaces.add(workspaceId);
      }
      workspacesByPrefix = byPrefix;
    },
  };
}

/** Accepts secrets of this server only. */
export const NO_FOREIGN_PREFIXES: ForeignPrefixes = createForeignPrefixes(() => Promise.resolve([]));

/**
 * Resolves to the record of a secret presented from `address`, null if it is unknown or does not belong to a
 * credential. Rejects as `FindRecord`.
 */
export type FindBySecret = (secret: string, address: string) => Promise<CredentialRecord | null>;

/**
 * Finds records by secrets. Text that is neither a well-formed secret of this server nor has a declared prefix is
 * refused before the store is touched; a secret with such a prefix is accepted only if the workspace of its credential
 * declares the prefix.
 */
export function createFindBySecret(findRecord: FindRecord, foreignPrefixes: ForeignPrefixes): FindBySecret {
  return async (secret, address) => {
    const kind = secretKindOf(secret);
    if (kind === 'session') return null;
    if (kind !== null) return findRecord(digestOf(secret), address);
    if (!foreignPrefixes.isDeclared(secret)) return null;
    const record = await findRecord(digestOf(secret), address);
    return record !== null && foreignPrefixes.isDeclaredBy(secret, record.workspace.id) ? record : null;
  };
}
