import { appendAuditEvent } from '../audit/log.ts';
import type { StoredCredential } from '../authorization/record.ts';
import { type Digest, digestBytes, digestOfBytes } from '../authorization/secret.ts';
import type { UsageStore } from '../authorization/usage-recorder.ts';
import { Problem } from '../contract/problem.ts';
import type { CredentialKind, CredentialSort } from '../contract/vocabulary.ts';
import type { Credential, CredentialStore, CredentialTransaction } from '../credentials/store.ts';
import {
  type CredentialRow,
  deleteCredential,
  findByDigest,
  findCredential,
  insertCredential,
  insertRevocation,
  listCredentials,
  lockCredential,
  sortValueOf,
  updateCredential,
} from '../store/credentials.ts';
import { claimIdempotencyKey } from '../store/idempotency.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { Store, Trx } from '../store/store.ts';
import { claimUsageChunk, countUnfoldedUses, foldUses, insertUsageChunk, readUses } from '../store/usage.ts';

function toCredential(row: CredentialRow): Credential {
  const { creator_name, creator_email } = row;
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    kind: row.kind as CredentialKind,
    name: row.name,
    description: row.description,
    rights: JSON.parse(row.rights) as string[],
    hasPassphrase: row.passphrase_hash !== null,
    active: row.active === 1,
    guard: row.guard === 1,
    hint: row.hint,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy:
      row.created_by === null || creator_name === null || creator_email === null
        ? null
        : { id: row.created_by, name: creator_name, email: creator_email },
    lastUsedAt: row.last_used_at,
    useCount: row.use_count,
  };
}

function toCredentialTransaction(trx: Trx): CredentialTransaction {
  return {
    claim: (claim, resourceId, now) => claimIdempotencyKey(trx, claim, resourceId, now),
    insert: (credential) =>
      insertCredential(trx, {
        id: credential.id,
        workspace_id: credential.workspaceId,
        kind: credential.kind,
        name: credential.name,
        name_key: credential.name.toLowerCase(),
        description: credential.description,
        rights: JSON.stringify(credential.rights),
        passphrase_hash: credential.passphraseHash,
        active: credential.active ? 1 : 0,
        guard: credential.guard ? 1 : 0,
        digest: digestBytes(credential.digest),
        hint: credential.hint,
        expires_at: credential.expiresAt,
        created_at: credential.createdAt,
        updated_at: credential.createdAt,
        created_by: credential.createdById,
        last_used_at: null,
      }),
    async find(workspaceId, kind, id) {
      const row = await lockCredential(trx, workspaceId, kind, id);
      return row === undefined ? null : toCredential(row);
    },
    async update(workspaceId, id, edit, now) {
      const { name, description, rights, expiresAt, active, guard } = edit;
      const digest = await updateCredential(trx, workspaceId, 'api_key', id, {
        ...(name !== undefined && { name, name_key: name.toLowerCase() }),
        ...(description !== undefined && { description }),
        ...(rights !== undefined && { rights: JSON.stringify(rights) }),
        ...(expiresAt !== undefined && { expires_at: expiresAt }),
        ...(active !== undefined && { active: active ? 1 : 0 }),
        ...(guard !== undefined && { guard: guard ? 1 : 0 }),
        updated_at: now,
      });
      return digest === undefined ? null : digestOfBytes(digest);
    },
    async delete(workspaceId, kind, id) {
      const row = await deleteCredential(trx, workspaceId, kind, id);
      return row === undefined ? null : { digest: digestOfBytes(row.digest), name: row.name };
    },
    async revoke(workspaceId, digest, now) {
      const bytes = digest === null ? null : digestBytes(digest);
      return { ...(await insertRevocation(trx, workspaceId, bytes, now)), workspaceId, digest };
    },
    record: (event) => appendAuditEvent(trx, event),
  };
}

/** Implements the core's store with the SQL of `store/`. */
export function createCredentialStore(store: Store): CredentialStore {
  return {
    transaction: (work) => store.transaction((trx) => work(toCredentialTransaction(trx))),
    async find(workspaceId, kind, id) {
      const row = await findCredential(store.read, workspaceId, kind, id);
      return row === undefined ? null : toCredential(row);
    },
    readUses: (workspaceId, id, sinceDay, addresses) => readUses(store.read, workspaceId, id, sinceDay, addresses),
    async list(workspaceId, query) {
      const { sort, direction, now } = query;
      const name = direction === 'desc' ? `-${sort}` : sort;
      const page = readPageRequest(query, name, sort === 'name' ? 'string' : 'number');
      const rows = await listCredentials(store.read, workspaceId, query, sort, direction, page, now);
      const positionOf = (row: CredentialRow) => ({ value: sortValueOf(row, sort as CredentialSort), id: row.id });
      return toPage(rows, page.limit, name, positionOf, toCredential);
    },
  };
}

/** Reads one record for the registry. Throws `unavailable` if the store cannot be queried; it never guesses. */
export async function readStoredCredential(store: Store, digest: Digest): Promise<StoredCredential | null> {
  const row = await findByDigest(store, digestBytes(digest)).catch((cause: unknown) => {
    throw new Problem('unavailable', 'The database cannot be queried.', { retryAfter: 1, cause });
  });
  if (row === undefined) return null;
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    workspaceId: row.workspace_id,
    rights: JSON.parse(row.rights) as string[],
    active: row.active === 1,
    guard: row.guard === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    passphraseHash: row.passphrase_hash,
  };
}

/**
 * Durable storage of counted uses: written within a second, folded into the credentials later or when somebody reads
 * them.
 */
export interface UsageJournal extends UsageStore {
  /**
   * Adds all uses written before the call to the credentials, in short transactions; only one fold runs at a time.
   * What is left after `timeBudgetMs` milliseconds is left for the next fold.
   */
  fold(timeBudgetMs?: number): Promise<void>;
  /** Number of credentials in chunks that are not folded yet; a credential in several chunks counts several times. */
  pendingUses(): number;
}

/** A transaction longer than this, in milliseconds, is followed by smaller ones, because other writers wait for it. */
const MAX_FOLD_TRANSACTION_MS = 100;
const MAX_CHUNKS_PER_FOLD = 64;

/** Writes uses; a chunk that is sent again is counted once. */
export async function createUsageJournal(store: Store): Promise<UsageJournal> {
  let size = await countUnfoldedUses(store.read);
  let maxChunks = 1;
  let folding: Promise<void> | null = null;

  async function foldAll(timeBudgetMs: number): Promise<void> {
    const end = performance.now() + timeBudgetMs;
    for (let full = true; full && performance.now() < end; ) {
      const chunkLimit = maxChunks;
      const startedAt = performance.now();
      const { chunks, uses } = await store.transaction((trx) => foldUses(trx, chunkLimit));
      const elapsedMs = performance.now() - startedAt;
      maxChunks =
        elapsedMs > MAX_FOLD_TRANSACTION_MS
          ? Math.max(1, chunkLimit >> 1)
          : Math.min(MAX_CHUNKS_PER_FOLD, chunkLimit * 2);
      size = Math.max(0, size - uses);
      full = chunks === chunkLimit;
    }
  }

  return {
    async addUses(nodeId, number, uses) {
      const isNew = await store.transaction(async (trx) => {
        if (!(await claimUsageChunk(trx, nodeId, number))) return false;
        await insertUsageChunk(trx, nodeId, number, uses);
        return true;
      });
      if (isNew) size += uses.length;
    },
    async fold(timeBudgetMs = Number.POSITIVE_INFINITY) {
      // A fold under way may have started before the uses that the caller needs were written.
      if (folding !== null) await folding.catch(() => undefined);
      folding ??= foldAll(timeBudgetMs).finally(() => {
        folding = null;
      });
      await folding;
    },
    pendingUses: () => size,
  };
}
