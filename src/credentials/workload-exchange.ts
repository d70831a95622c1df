import { createHash } from 'node:crypto';
import type { RequestContext } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import {
  type Claims,
  claimText,
  presentableUntil,
  unmetAddressees,
  unmetConditions,
  unmetTimes,
} from '../contract/claim-patterns.ts';
import { createId } from '../contract/id.ts';
import { WORKLOAD_LIMITS } from '../contract/limits.ts';
import { violationsOf } from '../contract/policy-rules.ts';
import { Problem } from '../contract/problem.ts';
import type { Scope } from '../contract/vocabulary.ts';
import { countLiveIssued } from '../store/issued-tokens.ts';
import type { WorkloadIdentityTable } from '../store/schema/workloads.ts';
import type { Trx } from '../store/store.ts';
import {
  claimSubjectToken,
  findWorkloadIdentityById,
  insertExchange,
  lockWorkloadIdentity,
  updateWorkloadIdentity,
} from '../store/workload-identities.ts';
import { type IssuedToken, issueToken, oauthError, requestedLifetime, requestedScopes } from './issued-tokens.ts';
import { lockCurrentPolicy } from './policy.ts';
import { parseRestrictions } from './restrictions.ts';
import { verifySubjectToken } from './subject-token.ts';
import type { WorkloadContext } from './workload-context.ts';
import { conditionsOf, scopesOf, tokenSubjectOf, workloadPartyOf } from './workload-identities.ts';

export interface WorkloadExchangeRequest {
  /** The JWT that the issuer of the workload has signed. */
  readonly token: string;
  readonly identityId: string;
  readonly scope: string | undefined;
  /** Seconds; the lifetime of the identity if undefined. */
  readonly expiresIn: string | number | undefined;
}

/** A refusal that is recorded among the last exchanges of the identity. */
class ExchangeRefusal extends Error {
  readonly reason: string;
  readonly claims: Claims | null;
  /** What the client is told; the same for every refusal of a token, so that strangers learn nothing. */
  readonly problem: Problem;

  constructor(reason: string, detail: string, claims: Claims | null, problem: Problem = notAccepted()) {
    super(detail);
    this.reason = reason;
    this.claims = claims;
    this.problem = problem;
  }
}

/** The same for an unknown identity, so that nobody can test which identities exist. */
const notAccepted = () =>
  oauthError(
    'invalid_request',
    'The subject token is not accepted for this workload identity. Its last exchanges show the reason to owners and admins of its workspace.',
  );

/** Claims that identify a job, to be recorded besides those with conditions. */
const RECORDED_CLAIMS = [
  ...['sub', 'jti', 'repository', 'repository_id', 'repository_owner_id', 'ref', 'sha', 'environment', 'event_name'],
  ...[
    'workflow_ref',
    'job_workflow_ref',
    'run_id',
    'run_attempt',
    'actor',
    'project_path',
    'project_id',
    'pipeline_id',
  ],
  ...['job_id', 'user_login', 'pipeline_source', 'organization_slug', 'pipeline_slug', 'build_number'],
  ...['oidc.circleci.com/project-id', 'oidc.circleci.com/job-id'],
];
const MAX_RECORDED_VALUE = 300;

/** Returns the claims to record, as text: a bounded number of bounded values. Pure. */
function recordedClaims(claims: Claims, row: WorkloadIdentityTable): Record<string, string> {
  const names = new Set([...RECORDED_CLAIMS, ...Object.keys(conditionsOf(row))]);
  const recorded = [...names].flatMap((name) => {
    const text = claimText(claims, name)?.slice(0, MAX_RECORDED_VALUE).replaceAll('\0', '\ufffd').toWellFormed();
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(recorded);
}

/** Refuses claims that do not meet the identity's conditions at `now`. */
function checkClaims(row: WorkloadIdentityTable, claims: Claims, now: number): void {
  const [failure] = [
    ...unmetAddressees(claims, row),
    ...unmetTimes(claims, now),
    ...unmetConditions(claims, conditionsOf(row)),
  ];
  if (failure !== undefined) throw new ExchangeRefusal(failure.claim, failure.message, claims);
}

/** Refuses a token that was accepted before. Tokens without `jti` cannot be told apart and are accepted until they expire. */
async function refuseReplayed(trx: Trx, row: WorkloadIdentityTable, claims: Claims): Promise<void> {
  const { jti } = claims;
  if (jti === undefined) return;
  if (typeof jti !== 'string' || jti === '' || jti.length > 1024)
    throw new ExchangeRefusal('jti', 'must be a text of up to 1,024 characters', claims);
  const digest = createHash('sha256')
    .update(JSON.stringify([row.issuer, jti]))
    .digest();
  if (await claimSubjectToken(trx, row.workspace_id, digest, presentableUntil(claims))) return;
  throw new ExchangeRefusal('replay', 'The token has been exchanged before.', claims);
}

/** Returns the scopes of the new token. Refuses those that the identity does not grant. */
function grantedScopes(row: WorkloadIdentityTable, { scope }: WorkloadExchangeRequest, claims: Claims): Scope[] {
  try {
    return requestedScopes(scope, scopesOf(row), scopesOf(row));
  } catch (error) {
    throw error instanceof Problem ? new ExchangeRefusal('scope', error.message, claims, error) : error;
  }
}

/** Refuses what the policy of the workspace has come to forbid since the identity was last edited. */
async function refuseByPolicy(
  trx: Trx,
  row: WorkloadIdentityTable,
  rights: readonly string[],
  claims: Claims,
  now: number,
) {
  const policy = await lockCurrentPolicy(trx, row.workspace_id);
  const [violation] = violationsOf(policy, { ...tokenSubjectOf(row, now), rights });
  if (violation === undefined) return;
  const message = `${violation.field} ${violation.message}`;
  const told = oauthError('invalid_request', `The policy of the workspace does not allow the token: ${message}.`);
  throw new ExchangeRefusal('policy', message, claims, told);
}

async function refuseTooMany(trx: Trx, row: WorkloadIdentityTable, claims: Claims, now: number): Promise<void> {
  const max = WORKLOAD_LIMITS.liveTokens;
  if ((await countLiveIssued(trx, row.workspace_id, row.id, now, max)) < max) return;
  const detail = `The workload identity has ${max} access tokens that have not expired.`;
  throw new ExchangeRefusal('limit', detail, claims, new Problem('quota_exceeded', detail, { retryAfter: 60 }));
}

/** Whether an identity was not edited between two reads. Pure. */
function isSameIdentity(one: WorkloadIdentityTable, other: WorkloadIdentityTable): boolean {
  return JSON.stringify({ ...one, last_exchanged_at: 0 }) === JSON.stringify({ ...other, last_exchanged_at: 0 });
}

/** Issues a token for verified claims, in one transaction with everything that prevents a second one. */
async function issueForClaims(
  context: WorkloadContext,
  found: WorkloadIdentityTable,
  claims: Claims,
  request: WorkloadExchangeRequest,
  origin: RequestOrigin,
): Promise<IssuedToken> {
  const { workspace_id: workspaceId, id } = found;
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const scopes = grantedScopes(found, request, claims);
    await refuseByPolicy(trx, found, scopes, claims, now);
    const row = await lockWorkloadIdentity(trx, workspaceId, id);
    if (row === undefined) throw notAccepted();
    // An edit may have changed the issuer that the signature was checked for.
    if (!isSameIdentity(row, found))
      throw new Problem('unavailable', 'The workload identity was just edited.', { retryAfter: 1 });
    await refuseTooMany(trx, row, claims, now);
    await refuseReplayed(trx, row, claims);
    const lifetimeSeconds = requestedLifetime(request.expiresIn, row.lifetime_seconds, row.lifetime_seconds);
    const actor = workloadPartyOf(row);
    const issuer: RequestContext = { workspaceId, actor, credential: null, origin, claim: null, ifMatch: null };
    const recorded = recordedClaims(claims, row);
    const name = `${row.name}: ${recorded['sub'] ?? row.issuer}`;
    const fields = { name, scopes, lifetimeSeconds, restrictions: parseRestrictions(row), origin: 'workload' } as const;
    const issued = await issueToken(trx, issuer, now, { ...fields, issuedBy: id }, recorded);
    await recordExchange(trx, row, origin, now, { claims: recorded, credentialId: issued.id });
    await updateWorkloadIdentity(trx, row, { last_exchanged_at: now });
    return issued;
  });
}

function recordExchange(
  trx: Trx,
  row: WorkloadIdentityTable,
  { address }: RequestOrigin,
  now: number,
  outcome: {
    readonly reason?: string;
    readonly detail?: string;
    readonly claims: Readonly<Record<string, string>> | null;
    readonly credentialId?: string;
  },
): Promise<void> {
  const { reason = null, detail = null, claims, credentialId = null } = outcome;
  const exchange = {
    id: createId('workload_exchange', now),
    workspace_id: row.workspace_id,
    identity_id: row.id,
    at: now,
    accepted: credentialId === null ? 0 : 1,
    reason,
    detail: detail?.slice(0, 1024).replaceAll('\0', '\ufffd').toWellFormed() ?? null,
    claims: claims === null ? null : JSON.stringify(claims),
    credential_id: credentialId,
    address,
  };
  return insertExchange(trx, exchange, WORKLOAD_LIMITS.exchanges);
}

/** Records a refusal among the last exchanges and in the activity log, at most once per identity, reason and minute. */
async function recordRefusal(
  context: WorkloadContext,
  row: WorkloadIdentityTable,
  { reason, message: detail, claims }: ExchangeRefusal,
  origin: RequestOrigin,
): Promise<void> {
  const now = context.clock();
  const actor = workloadPartyOf(row);
  const { workspace_id: workspaceId } = row;
  context.denials.add({
    workspaceId,
    action: 'workload_identity.denied',
    actor,
    credential: null,
    reason,
    origin,
    at: now,
  });
  if (!context.isFirstRefusal(`${row.id} ${reason}`, now)) return;
  const recorded = claims === null ? null : recordedClaims(claims, row);
  await context.store.transaction(async (trx) => {
    // The identity may have been deleted meanwhile, and its exchanges with it.
    if ((await lockWorkloadIdentity(trx, workspaceId, row.id)) === undefined) return;
    await recordExchange(trx, row, origin, now, { reason, detail, claims: recorded });
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
  return issueForClaims(context, row, verified.claims, request, origin);
}

/**
 * Issues an access token for a workload that presents a token of its issuer. Throws an OAuth error in a `Problem`:
 * `invalid_request` for a token that is not accepted and for an unknown identity, `invalid_scope`; `unavailable` if the
 * issuer cannot be reached, `rate_limited` and `quota_exceeded`.
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
    if (problem instanceof Problem && problem.status === 400)
      context.refusedExchanges.recordUnknown(address, context.clock());
    if (!(error instanceof ExchangeRefusal) || row === undefined) throw error;
    await recordRefusal(context, row, error, origin);
    throw error.problem;
  }
}
