import { createHash } from 'node:crypto';
import type { RequestContext } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import {
  acceptedUntil,
  type Claims,
  issuerAndAudienceFailures,
  timeFailures,
  unmetConditions,
} from '../contract/claim-patterns.ts';
import { violationsOf } from '../contract/policy-rules.ts';
import { Problem } from '../contract/problem.ts';
import type { Restrictions, RestrictionsInput } from '../contract/restrictions.ts';
import { WORKLOAD_LIMITS } from '../contract/token-exchange-limits.ts';
import type { Scope } from '../contract/vocabulary.ts';
import { countLiveIssued } from '../store/issued-tokens.ts';
import type { WorkloadIdentityTable } from '../store/schema/workloads.ts';
import type { Trx } from '../store/store.ts';
import {
  findWorkloadIdentityById,
  insertAcceptedToken,
  lockWorkloadIdentity,
  updateWorkloadIdentity,
} from '../store/workload-identities.ts';
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
import { verifySubjectToken } from './subject-token.ts';
import type { WorkloadContext } from './workload-context.ts';
import {
  ExchangeRefusal,
  notAccepted,
  recordExchange,
  recordedClaims,
  recordRefusal,
} from './workload-exchange-log.ts';
import { policySubjectOf } from './workload-identities.ts';
import { conditionsOf, scopesOf, workloadPartyOf } from './workload-identity-reads.ts';

export interface WorkloadExchangeRequest {
  /** The JWT that the issuer of the workload has signed. */
  readonly token: string;
  readonly identityId: string;
  readonly scope: string | undefined;
  /** The lifetime in seconds; the identity's lifetime if undefined. */
  readonly expiresIn: string | number | undefined;
  /** Tighter restrictions than the identity's; the identity's restrictions if undefined. */
  readonly restrictions: RestrictionsInput | undefined;
}

/** Refuses claims whose issuer, audience or times are not accepted at `now`, or that do not meet the conditions. */
function checkClaims(row: WorkloadIdentityTable, claims: Claims, now: number): void {
  const [failure] = [
    ...issuerAndAudienceFailures(claims, row),
    ...timeFailures(claims, now),
    ...unmetConditions(claims, conditionsOf(row)),
  ];
  if (failure !== undefined) throw new ExchangeRefusal(failure.claim, failure.message, claims);
}

/**
 * Refuses a token that was accepted before. Tokens without `jti` cannot be distinguished and are accepted until they
 * expire.
 */
async function refuseReplayed(trx: Trx, row: WorkloadIdentityTable, claims: Claims): Promise<void> {
  const { jti } = claims;
  if (jti === undefined) return;
  if (typeof jti !== 'string' || jti === '' || jti.length > 1024)
    throw new ExchangeRefusal('jti', 'must be a string of 1 to 1,024 characters', claims);
  const digest = createHash('sha256')
    .update(JSON.stringify([row.issuer, jti]))
    .digest();
  if (await insertAcceptedToken(trx, row.workspace_id, digest, acceptedUntil(claims))) return;
  throw new ExchangeRefusal('replay', 'The token has been exchanged before.', claims);
}

/** Returns the scopes of the new token. Refuses scopes that the identity does not grant. */
function grantedScopes(row: WorkloadIdentityTable, { scope }: WorkloadExchangeRequest, claims: Claims): Scope[] {
  try {
    return requestedScopes(scope, scopesOf(row), scopesOf(row));
  } catch (error) {
    throw error instanceof Problem ? new ExchangeRefusal('scope', error.message, claims, error) : error;
  }
}

/** Returns the restrictions of the new token. Refuses restrictions that are wider than the identity's. */
async function grantedRestrictions(
  trx: Trx,
  row: WorkloadIdentityTable,
  { restrictions }: WorkloadExchangeRequest,
  claims: Claims,
): Promise<Restrictions> {
  try {
    return await tightenedRestrictions(trx, row.workspace_id, parseRestrictions(row), restrictions);
  } catch (error) {
    throw error instanceof Problem ? new ExchangeRefusal('restrictions', error.message, claims, error) : error;
  }
}

/**
 * Refuses a token that the policy does not allow, because the policy may have changed since the identity was edited.
 */
async function refuseByPolicy(
  trx: Trx,
  row: WorkloadIdentityTable,
  { rights, addresses }: { readonly rights: readonly string[]; readonly addresses: readonly string[] },
  claims: Claims,
  now: number,
) {
  const policy = await lockCurrentPolicy(trx, row.workspace_id);
  const [violation] = violationsOf(policy, { ...policySubjectOf(row, now), rights, addresses });
  if (violation === undefined) return;
  const message = `${violation.field} ${violation.message}`;
  const problem = oauthError('invalid_request', `The policy of the workspace does not allow the token: ${message}.`);
  throw new ExchangeRefusal('policy', message, claims, problem);
}

async function refuseTooMany(trx: Trx, row: WorkloadIdentityTable, claims: Claims, now: number): Promise<void> {
  const max = WORKLOAD_LIMITS.liveTokens;
  if ((await countLiveIssued(trx, row.workspace_id, row.id, now, max)) < max) return;
  const detail = `The workload identity has ${max} access tokens that have not expired.`;
  throw new ExchangeRefusal('limit', detail, claims, new Problem('quota_exceeded', detail, { retryAfter: 60 }));
}

/** Refuses an exchange beyond the rates of the identity and of its workspace. */
function checkRates(context: WorkloadContext, row: WorkloadIdentityTable, claims: Claims, now: number): void {
  try {
    context.exchangesPerIdentity.check(row.id, now);
    context.exchangesPerWorkspace.check(row.workspace_id, now);
  } catch (error) {
    throw error instanceof Problem ? new ExchangeRefusal('rate', error.message, claims, error) : error;
  }
}

/** Returns whether an identity was not edited between two reads. Pure. */
function isUnedited(first: WorkloadIdentityTable, second: WorkloadIdentityTable): boolean {
  return JSON.stringify({ ...first, last_exchanged_at: 0 }) === JSON.stringify({ ...second, last_exchanged_at: 0 });
}

/** Issues a token for verified claims, in one transaction with the record that prevents a second token for them. */
async function issueForClaims(
  context: WorkloadContext,
  verifiedRow: WorkloadIdentityTable,
  claims: Claims,
  request: WorkloadExchangeRequest,
  origin: RequestOrigin,
): Promise<IssuedToken> {
  const { workspace_id: workspaceId, id } = verifiedRow;
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const scopes = grantedScopes(verifiedRow, request, claims);
    const restrictions = await grantedRestrictions(trx, verifiedRow, request, claims);
    await refuseByPolicy(trx, verifiedRow, { rights: scopes, addresses: restrictions.addresses }, claims, now);
    const row = await lockWorkloadIdentity(trx, workspaceId, id);
    if (row === undefined) throw notAccepted();
    // An edit may have changed the issuer for which the signature was checked.
    if (!isUnedited(row, verifiedRow))
      throw new Problem('unavailable', 'The workload identity was just edited.', { retryAfter: 1 });
    await refuseTooMany(trx, row, claims, now);
    await refuseReplayed(trx, row, claims);
    // Only accepted tokens count, so that clients cannot use up the rate with invalid tokens. The rates are checked
    // again because parallel exchanges of an identity run one at a time from here on.
    checkRates(context, row, claims, now);
    context.exchangesPerIdentity.count(id, now);
    context.exchangesPerWorkspace.count(workspaceId, now);
    const lifetimeSeconds = requestedLifetime(request.expiresIn, row.lifetime_seconds, row.lifetime_seconds);
    const actor = workloadPartyOf(row);
    const issueRequest: RequestContext = {
      workspaceId,
      actor,
      credential: null,
      origin,
      idempotencyClaim: null,
      ifMatch: null,
    };
    const recorded = recordedClaims(claims, row);
    const name = `${row.name}: ${recorded['sub'] ?? row.issuer}`;
    const fields = { name, scopes, lifetimeSeconds, restrictions, origin: 'workload' } as const;
    const issued = await issueToken(trx, issueRequest, now, { ...fields, issuedBy: id }, recorded);
    await recordExchange(trx, row, origin, now, { claims: recorded, credentialId: issued.id });
    await updateWorkloadIdentity(trx, row, { last_exchanged_at: now });
    return issued;
  });
}

async function exchange(
  context: WorkloadContext,
  row: WorkloadIdentityTable,
  request: WorkloadExchangeRequest,
  origin: RequestOrigin,
): Promise<IssuedToken> {
  const source = { issuer: row.issuer, jwksUrl: row.jwks_url };
  const verified = await verifySubjectToken(context.issuerKeys, source, request.token).catch((error: unknown) => {
    if (!(error instanceof Problem) || error.code !== 'unavailable') throw error;
    throw new ExchangeRefusal('key', error.message, null, error);
  });
  if (verified.claims === null) throw new ExchangeRefusal(verified.reason, verified.detail, null);
  checkClaims(row, verified.claims, context.clock());
  checkRates(context, row, verified.claims, context.clock());
  return issueForClaims(context, row, verified.claims, request, origin);
}

/**
 * Issues an access token for a workload that presents a token of its issuer. Throws the OAuth errors `invalid_request`,
 * also for a token that is not accepted and for an unknown identity, and `invalid_scope`; `validation_failed` for an
 * unknown project or app; `unavailable` if the issuer cannot be reached or the identity was just edited;
 * `rate_limited`; and `quota_exceeded`.
 */
export async function exchangeWorkloadToken(
  context: WorkloadContext,
  request: WorkloadExchangeRequest,
  origin: RequestOrigin,
): Promise<IssuedToken> {
  const address = origin.address ?? '';
  context.refusedExchanges.check(address, context.clock());
  const row = await findWorkloadIdentityById(context.store.read, request.identityId);
  try {
    if (row === undefined) throw notAccepted();
    return await exchange(context, row, request, origin);
  } catch (error) {
    const problem = error instanceof ExchangeRefusal ? error.problem : error;
    if (problem instanceof Problem && problem.status === 400) context.refusedExchanges.count(address, context.clock());
    if (!(error instanceof ExchangeRefusal) || row === undefined) throw error;
    await recordRefusal(context, row, error, origin);
    throw error.problem;
  }
}
