import type { RequestContext } from '../audit/request-context.ts';
import { hashPassphrase } from '../authorization/passphrase.ts';
import type { AccessToken, AccessTokenQuery, CreateAccessToken } from '../contract/access-tokens.ts';
import type { CountedPage } from '../contract/paging.ts';
import type { Scope } from '../contract/vocabulary.ts';
import type { Credential } from './credential.ts';
import { listCredentials, requireCredential } from './credential-reads.ts';
import { type CredentialContext, createCredential, parseExpiry } from './credentials.ts';
import { toSharedFields } from './wire-format.ts';

/** Returns an access token in the format of the API; `now` in epoch milliseconds determines its status. Pure. */
export function serializeAccessToken(token: Credential, now: number): AccessToken {
  const active = token.expiresAt === null || token.expiresAt > now;
  const statusBeforeExpiry = token.spent ? 'spent' : 'active';
  return {
    ...toSharedFields(token),
    kind: 'access_token',
    scopes: token.rights as Scope[],
    hasPassphrase: token.hasPassphrase,
    active,
    status: active ? statusBeforeExpiry : 'expired',
    origin: token.origin,
  };
}

/**
 * Creates an access token. Only this result contains its secret. Throws `validation_failed` for an expiry that is not
 * in the future, `unavailable` if too many passphrases are waiting to be hashed, and the errors of `createCredential`.
 */
export async function createAccessToken(
  context: CredentialContext,
  request: RequestContext,
  input: CreateAccessToken,
): Promise<AccessToken & { secret: string }> {
  const expiresAt = parseExpiry(input.expiresAt, context.clock());
  const passphrase = input.passphrase ?? null;
  const { credential, secret } = await createCredential(context, request, {
    kind: 'access_token',
    name: input.name,
    description: null,
    rights: input.scopes,
    active: true,
    guard: false,
    expiresAt,
    replaces: input.replaces ?? null,
    restrictions: input.restrictions,
    passphraseHash: passphrase === null ? null : await hashPassphrase(passphrase, request.workspaceId),
  });
  return { ...serializeAccessToken(credential, context.clock()), secret };
}

/** Throws `not_found` if the workspace has no such access token. */
export async function getAccessToken(
  context: CredentialContext,
  workspaceId: string,
  id: string,
): Promise<AccessToken> {
  return serializeAccessToken(await requireCredential(context, workspaceId, 'access_token', id), context.clock());
}

/** Returns a page of access tokens. Throws `validation_failed` for a cursor of another list. */
export async function listAccessTokens(
  context: CredentialContext,
  workspaceId: string,
  query: AccessTokenQuery,
): Promise<CountedPage<AccessToken>> {
  const { data, ...page } = await listCredentials(context, workspaceId, 'access_token', query, query.scope);
  return { data: data.map((token) => serializeAccessToken(token, context.clock())), ...page };
}
