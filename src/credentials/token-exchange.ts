import type { RequestContext } from '../audit/request-context.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { SECOND } from '../contract/limits.ts';
import type { Policy } from '../contract/policy.ts';
import { violationsOf } from '../contract/policy-rules.ts';
import { Problem } from '../contract/problem.ts';
import type { Restrictions, RestrictionsInput } from '../contract/restrictions.ts';
import { EXCHANGE_LIMITS } from '../contract/token-exchange-limits.ts';
import type { Scope } from '../contract/vocabulary.ts';
import { type CredentialRow, lockCredential } from '../store/credentials.ts';
import { countLiveIssued } from '../store/issued-tokens.ts';
import type { Trx } from '../store/store.ts';
import {
  type IssuedToken,
  issueToken,
  oauthError,
  requestedLifetime,
  requestedScopes,
  tightenedRestrictions,
} from './issued-tokens.ts';
import { lockCurrentPolicy } from './policy.ts';
import { parseRestrictions } from './restrictions.ts';
import type { WorkloadContext } from './workload-context.ts';

export interface TokenExchangeRequest {
  readonly scope: string | undefined;
  /** The lifetime in seconds; the maximum if undefined. */
  readonly expiresIn: string | number | undefined;
  /** Tighter restrictions than the parent's; the parent's restrictions if undefined. */
  readonly restrictions: RestrictionsInput | undefined;
}

/**
 * Refuses a parent that cannot be exchanged: a token that expires within a second, a token that was itself issued in
 * exchange, and a token whose uses are limited, because each child would have the same limit again.
 */
function checkParent(parent: CredentialRow | undefined, now: number): CredentialRow {
  if (parent === undefined || (parent.expires_at !== null && parent.expires_at < now + SECOND))
    throw oauthError('invalid_request', 'The subject token is not valid.');
  if (parent.origin === 'exchange')
    throw oauthError('invalid_request', 'A token that was issued in exchange for another cannot be exchanged again.');
  const { rate, maxUses } = parseRestrictions(parent);
  if (rate === null && maxUses === null) return parent;
  throw oauthError('invalid_request', 'A token with a rate limit or a maximum number of uses cannot be exchanged.');
}

function refuseByPolicy(
  policy: Policy,
  { addresses }: Restrictions,
  rights: readonly Scope[],
  now: number,
  expiresAt: number,
): void {
  const subject = { kind: 'access_token', rights, hasPassphrase: false, createdAt: now, expiresAt, addresses } as const;
  const [violation] = violationsOf(policy, subject);
  if (violation === undefined) return;
  const detail = `The policy of the workspace does not allow the token: ${violation.field} ${violation.message}.`;
  throw oauthError(violation.field === 'scopes' ? 'invalid_scope' : 'invalid_request', detail);
}

async function refuseTooMany(trx: Trx, parent: CredentialRow, now: number): Promise<void> {
  const max = EXCHANGE_LIMITS.liveChildren;
  if ((await countLiveIssued(trx, parent.workspace_id, parent.id, now, max)) < max) return;
  const detail = `${max} tokens issued in exchange for this one have not expired. Revoke those that are no longer needed.`;
  throw new Problem('quota_exceeded', detail, { retryAfter: EXCHANGE_LIMITS.lifetimeSeconds.min });
}

/**
 * Issues an access token in exchange for an authenticated access token, the parent: with some of its scopes, with
 * restrictions that are not wider, and with an expiry that is not later. The new token is deleted with its parent.
 * Throws the OAuth errors `invalid_scope` and `invalid_request`, the latter also for a parent that cannot be exchanged;
 * `validation_failed` for an unknown project or app; `quota_exceeded`; and `rate_limited`.
 */
export async function exchangeAccessToken(
  context: WorkloadContext,
  { id, name, workspace }: CredentialRecord,
  { scope, expiresIn, restrictions: requested }: TokenExchangeRequest,
  origin: RequestOrigin,
): Promise<IssuedToken> {
  const now = context.clock();
  const requestedSeconds = requestedLifetime(expiresIn, EXCHANGE_LIMITS.lifetimeSeconds.max);
  // Tokens that are revoked immediately count too, because each of them leaves events and a tombstone.
  context.exchangesPerParent.check(id, now);
  context.exchangesPerWorkspace.check(workspace.id, now);
  context.exchangesPerParent.count(id, now);
  context.exchangesPerWorkspace.count(workspace.id, now);
  const credential = { kind: 'access_token', id, name } as const;
  const request: RequestContext = {
    workspaceId: workspace.id,
    actor: credential,
    credential,
    origin,
    idempotencyClaim: null,
    ifMatch: null,
  };
  return context.store.transaction(async (trx) => {
    const policy = await lockCurrentPolicy(trx, workspace.id);
    const parent = checkParent(await lockCredential(trx, workspace.id, 'access_token', id), now);
    const scopes = requestedScopes(scope, JSON.parse(parent.rights) as Scope[], null);
    const maxSeconds = parent.expires_at === null ? requestedSeconds : Math.floor((parent.expires_at - now) / SECOND);
    const lifetimeSeconds = Math.min(requestedSeconds, maxSeconds);
    const restrictions = await tightenedRestrictions(trx, workspace.id, parseRestrictions(parent), requested);
    refuseByPolicy(policy, restrictions, scopes, now, now + lifetimeSeconds * SECOND);
    await refuseTooMany(trx, parent, now);
    const fields = { name: `${parent.name} (exchanged)`, scopes, lifetimeSeconds, origin: 'exchange' } as const;
    return issueToken(trx, request, now, { ...fields, restrictions, issuedBy: id });
  });
}
