import type { RequestContext } from '../audit/request-context.ts';
import { digestFromBytes } from '../authorization/secret.ts';
import { createId } from '../contract/id.ts';
import type { CredentialImport, ImportedCredential } from '../contract/imports.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import { containsSecret } from '../contract/redact.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import type { Trx } from '../store/store.ts';
import { deleteTombstone, hasTombstone } from '../store/tombstones.ts';
import { type CredentialContext, insertNewCredential, parseExpiry } from './credentials.ts';
import { lockPolicyForImport } from './policy.ts';
import { resolveRestrictions } from './restrictions.ts';

/** Ends the transaction of a dry run, so that it stores nothing. */
class DryRunEnd extends Error {}

/** Returns the properties of an imported credential that depend on its kind. Pure. */
function propertiesOf(input: ImportedCredential) {
  return input.kind === 'access_token'
    ? { rights: input.scopes, description: null, active: true }
    : { rights: input.permissions, description: input.description ?? null, active: input.active ?? true };
}

/** Adds the position of the credential to the fields of a problem. */
function withPosition(index: number, error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== 'validation_failed') return error;
  const errors = error.extensions.errors?.map(({ field, message }) => ({
    field: `credentials.${index}.${field}`,
    message,
  }));
  const [first] = errors ?? [];
  if (errors === undefined || first === undefined) return error;
  return new Problem('validation_failed', `${first.field}: ${first.message}`, { errors });
}

/**
 * Imports credentials by the digests of their secrets, with the checks and audit events of `createCredential`. One
 * transaction stores all of them or none; a dry run stores none. Throws `forbidden` if the actor has no ID;
 * `idempotent_replay` for a repeated request; the other errors of `claimOrRefuseReplay` and `appendAuditEvent`;
 * `validation_failed` if the policy allows only the owner to create credentials and the actor is not the owner; and
 * `validation_failed` with the position of the first credential that
 * - the policy does not allow,
 * - has an expiry that is not in the future,
 * - names an unknown project or app,
 * - has the digest of an existing credential of any workspace, or of a credential that was deleted in the last 90 days in
 *   another workspace or as another kind, or
 * - has a name or description that contains a secret.
 */
export async function importCredentials(
  context: CredentialContext,
  request: RequestContext,
  inputs: readonly ImportedCredential[],
  dryRun: boolean,
): Promise<CredentialImport> {
  const now = context.clock();
  const { workspaceId, actor } = request;
  if (actor.id === null) throw new Problem('forbidden');
  const createdById = actor.id;
  const containsAnySecret = (text: string) => containsSecret(text) || text.split(/\s+/).some(context.isForeignSecret);

  async function insert(
    trx: Trx,
    input: ImportedCredential,
    id: string,
    checkPolicy: Awaited<ReturnType<typeof lockPolicyForImport>>,
  ) {
    const { kind, name } = input;
    const { rights, description, active } = propertiesOf(input);
    for (const [field, text] of Object.entries({ name, description })) {
      if (text !== null && containsAnySecret(text)) throw invalidField(field, 'must not contain a secret');
    }
    const expiresAt = parseExpiry(input.expiresAt, now);
    const { addresses = [] } = input.restrictions ?? {};
    checkPolicy({ kind, rights, hasPassphrase: false, createdAt: now, expiresAt, addresses });
    const restrictions = await resolveRestrictions(trx, workspaceId, input.restrictions);
    const digest = Buffer.from(input.digest, 'hex');
    // Otherwise two rows would have this digest: the new credential and the tombstone of a deleted one.
    await deleteTombstone(trx, workspaceId, kind, digest);
    const isNew = await insertNewCredential(
      trx,
      request,
      {
        id,
        workspaceId,
        kind,
        name,
        description,
        rights,
        active,
        guard: false,
        digest: digestFromBytes(digest),
        hint: '',
        passphraseHash: null,
        expiresAt,
        restrictions,
        createdAt: now,
        createdById,
        replaces: null,
        origin: 'person',
        issuedBy: null,
      },
      { imported: true },
    );
    if (!isNew) throw invalidField('digest', 'belongs to an existing credential');
    // Another workspace must not accept a secret that its owner deleted. Checked after the insertion, which waits for a
    // concurrent deletion.
    if (await hasTombstone(trx, digest)) throw invalidField('digest', 'belongs to a credential that was deleted');
  }

  const credentials = inputs.map(({ kind, name }) => ({ id: createId(kind, now), kind, name }));
  try {
    await context.store.transaction(async (trx) => {
      await claimOrRefuseReplay(trx, request.idempotencyClaim, credentials[0]?.id ?? '', now);
      const checkPolicy = await lockPolicyForImport(trx, request);
      for (const [index, input] of inputs.entries()) {
        await insert(trx, input, credentials[index]?.id ?? '', checkPolicy).catch((error: unknown) => {
          throw withPosition(index, error);
        });
      }
      if (dryRun) throw new DryRunEnd();
    });
  } catch (error) {
    if (error instanceof DryRunEnd) return { dryRun: true, credentials: [] };
    throw error;
  }
  return { dryRun: false, credentials };
}
