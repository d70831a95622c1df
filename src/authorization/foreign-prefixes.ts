import { FOREIGN_PREFIX_LIMITS, FOREIGN_SECRET_LIMITS } from '../contract/limits.ts';
import type { FindRecord } from './find-record.ts';
import type { CredentialRecord } from './record.ts';
import { digestOf, secretKindOf } from './secret.ts';

/** A prefix of secrets of another system, and the workspace that declares it in its policy. */
export interface DeclaredPrefix {
  readonly workspaceId: string;
  readonly prefix: string;
}

/** The prefixes of secrets of other systems that workspaces accept, in memory on every node. */
export interface ForeignPrefixes {
  /** Whether text has the form of another system's secret, with a prefix that any workspace declares. No I/O. */
  hasDeclaredPrefix(text: string): boolean;
  /** The same for the prefixes that one workspace declares. No I/O. */
  hasPrefixDeclaredBy(text: string, workspaceId: string): boolean;
  /**
   * Reads the declared prefixes; before the first read there are none. Rejects with the error of the read; the previous
   * prefixes then stay in effect.
   */
  refresh(): Promise<void>;
}

/** The syntax of a bearer token (RFC 6750, section 2.1). */
const BEARER_TOKEN = /^[0-9A-Za-z._~+/-]+=*$/;

const NO_WORKSPACES: readonly ReadonlySet<string>[] = [];

export function createForeignPrefixes(read: () => Promise<readonly DeclaredPrefix[]>): ForeignPrefixes {
  let workspacesByPrefix: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  let startedReads = 0;
  let appliedRead = 0;

  /** Returns, for each declared prefix of `text`, the set of workspaces that declare it. */
  function workspacesOf(text: string): readonly ReadonlySet<string>[] {
    const { min, max } = FOREIGN_PREFIX_LIMITS.length;
    const { tail, length } = FOREIGN_SECRET_LIMITS;
    if (workspacesByPrefix.size === 0 || text.length > length.max || text.length < min + tail.min) return NO_WORKSPACES;
    const workspaceSets: ReadonlySet<string>[] = [];
    const longestPrefix = Math.min(max, text.length - tail.min);
    for (let prefixLength = min; prefixLength <= longestPrefix; prefixLength++) {
      const workspaces = workspacesByPrefix.get(text.slice(0, prefixLength));
      if (workspaces !== undefined) workspaceSets.push(workspaces);
    }
    return workspaceSets.length > 0 && BEARER_TOKEN.test(text) ? workspaceSets : NO_WORKSPACES;
  }

  return {
    hasDeclaredPrefix: (text) => workspacesOf(text).length > 0,
    hasPrefixDeclaredBy: (text, workspaceId) => workspacesOf(text).some((workspaces) => workspaces.has(workspaceId)),
    async refresh() {
      const readNumber = ++startedReads;
      const declared = await read();
      const isOutdated = readNumber < appliedRead;
      if (isOutdated) return;
      appliedRead = readNumber;
      const newWorkspacesByPrefix = new Map<string, Set<string>>();
      for (const { prefix, workspaceId } of declared) {
        const workspaces = newWorkspacesByPrefix.get(prefix);
        if (workspaces === undefined) newWorkspacesByPrefix.set(prefix, new Set([workspaceId]));
        else workspaces.add(workspaceId);
      }
      workspacesByPrefix = newWorkspacesByPrefix;
    },
  };
}

/** Contains no prefixes, so only Devpilot secrets are accepted. */
export const NO_FOREIGN_PREFIXES: ForeignPrefixes = createForeignPrefixes(() => Promise.resolve([]));

/**
 * Resolves to the record of the credential with this secret, presented from `address`; null if there is none or its
 * workspace does not declare the prefix of the secret. Rejects like `FindRecord`.
 */
export type FindBySecret = (secret: string, address: string) => Promise<CredentialRecord | null>;

/**
 * Finds records by secret. Only well-formed Devpilot secrets of credentials, and secrets with a declared prefix, are
 * looked up. The latter are found only if the workspace of the credential declares the prefix.
 */
export function createFindBySecret(findRecord: FindRecord, foreignPrefixes: ForeignPrefixes): FindBySecret {
  return async (secret, address) => {
    const kind = secretKindOf(secret);
    if (kind === 'session') return null;
    if (kind !== null) return findRecord(digestOf(secret), address);
    if (!foreignPrefixes.hasDeclaredPrefix(secret)) return null;
    const record = await findRecord(digestOf(secret), address);
    return record !== null && foreignPrefixes.hasPrefixDeclaredBy(secret, record.workspace.id) ? record : null;
  };
}
