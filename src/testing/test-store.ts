import { join } from 'node:path';
import type { Insertable } from 'kysely';
import { type Digest, digestOf, digestToBytes, mintSecret } from '../authorization/secret.ts';
import { createId } from '../contract/id.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { insertCredential } from '../store/credentials.ts';
import { insertMember } from '../store/members.ts';
import { insertPerson } from '../store/people.ts';
import { openPostgresStore } from '../store/postgres.ts';
import type { CredentialTable } from '../store/schema/credentials.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { insertWorkspace } from '../store/workspaces.ts';
import type { TestDatabases } from './postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Opens a new SQLite store in a temporary folder. */
export const openTestStore = (): Promise<Store> => openSqliteStore(join(temporaryDirectory(), 'devpilot.db'));

/** Opens a store in a new database of a running PostgreSQL server. */
export async function openPostgresTestStore(postgres: TestDatabases): Promise<Store> {
  return openPostgresStore(await postgres.createDatabase(), () => undefined);
}

/** Inserts a person who cannot sign in with a password, and returns the ID. */
export async function seedPerson(store: Store, name = 'Ada'): Promise<string> {
  const id = createId('person');
  const email = `${id}@example.com`;
  await store.transaction((trx) =>
    insertPerson(trx, { id, name, email, email_key: email, password_hash: '-', created_at: 1, updated_at: 1 }),
  );
  return id;
}

/** Inserts a workspace with an owner. */
export async function seedWorkspace(store: Store): Promise<{ workspaceId: string; personId: string }> {
  const personId = await seedPerson(store);
  const workspaceId = createId('workspace');
  await store.transaction(async (trx) => {
    await insertWorkspace(trx, { id: workspaceId, name: 'Acme', slug: workspaceId, created_at: 1, updated_at: 1 });
    await insertMember(trx, {
      id: createId('member'),
      workspace_id: workspaceId,
      person_id: personId,
      role: 'owner',
      created_at: 1,
    });
  });
  return { workspaceId, personId };
}

/**
 * Inserts a credential, by default an active API key with `read` that never expires. The returned digest is not that of
 * the credential if `columns` has a `digest`.
 */
export async function seedCredential(
  store: Store,
  { workspaceId, personId }: { readonly workspaceId: string; readonly personId: string },
  columns: Partial<Omit<Insertable<CredentialTable>, 'kind'>> & { readonly kind?: CredentialKind } = {},
): Promise<{ id: string; digest: Digest }> {
  const { kind = 'api_key', name = 'Billing' } = columns;
  const id = columns.id ?? createId(kind);
  const digest = digestOf(mintSecret(kind));
  await store.transaction((trx) =>
    insertCredential(trx, {
      workspace_id: workspaceId,
      name_key: name.toLowerCase(),
      description: null,
      rights: '["read"]',
      passphrase_hash: null,
      active: 1,
      digest: digestToBytes(digest),
      hint: 'abcd',
      expires_at: null,
      created_at: 1,
      updated_at: 1,
      created_by: personId,
      last_used_at: null,
      ...columns,
      kind,
      name,
      id,
    }),
  );
  return { id, digest };
}
