import type { RequestOrigin } from '../contract/audit.ts';
import { type Claims, claimText } from '../contract/claim-patterns.ts';
import { createId } from '../contract/id.ts';
import type { Problem } from '../contract/problem.ts';
import { WORKLOAD_LIMITS } from '../contract/token-exchange-limits.ts';
import type { WorkloadIdentityTable } from '../store/schema/workloads.ts';
import type { Trx } from '../store/store.ts';
import { insertExchange, lockWorkloadIdentity } from '../store/workload-identities.ts';
import { oauthError } from './issued-tokens.ts';
import type { WorkloadContext } from './workload-context.ts';
import { conditionsOf, workloadPartyOf } from './workload-identity-reads.ts';

/** A refusal that is recorded among the last exchanges of the identity. */
export class ExchangeRefusal extends Error {
  readonly reason: string;
  readonly claims: Claims | null;
  /** The response to the client. By default it does not contain the reason, so that strangers learn nothing from it. */
  readonly problem: Problem;

  constructor(reason: string, detail: string, claims: Claims | null, problem: Problem = notAccepted()) {
    super(detail);
    this.reason = reason;
    this.claims = claims;
    this.problem = problem;
  }
}

/** Used for an unknown identity too, so that clients cannot find out which identities exist. */
export const notAccepted = () =>
  oauthError(
    'invalid_request',
    'The subject token is not accepted for this workload identity. Owners and admins of the workspace find the reason among the last exchanges of the identity.',
  );

/** Claims that identify a job. They are recorded in addition to the claims in the conditions of the identity. */
const RECORDED_CLAIMS = [
  'sub',
  'jti',
  'repository',
  'repository_id',
  'repository_owner_id',
  'ref',
  'sha',
  'environment',
  'event_name',
  'workflow_ref',
  'job_workflow_ref',
  'run_id',
  'run_attempt',
  'actor',
  'project_path',
  'project_id',
  'pipeline_id',
  'job_id',
  'user_login',
  'pipeline_source',
  'organization_slug',
  'pipeline_slug',
  'build_number',
  'oidc.circleci.com/project-id',
  'oidc.circleci.com/job-id',
];
const MAX_RECORDED_LENGTH = 300;

/** Returns the claims to record as text. Their number and their lengths are bounded. Pure. */
export function recordedClaims(claims: Claims, row: WorkloadIdentityTable): Record<string, string> {
  const names = new Set([...RECORDED_CLAIMS, ...Object.keys(conditionsOf(row))]);
  const recorded = [...names].flatMap((name) => {
    const text = claimText(claims, name)?.slice(0, MAX_RECORDED_LENGTH).replaceAll('\0', '\ufffd').toWellFormed();
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(recorded);
}

/** Adds an exchange to the last exchanges of an identity. It counts as accepted if `credentialId` is given. */
export function recordExchange(
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
    // PostgreSQL cannot store NUL characters.
    detail: detail?.slice(0, 1024).replaceAll('\0', '\ufffd').toWellFormed() ?? null,
    claims: claims === null ? null : JSON.stringify(claims),
    credential_id: credentialId,
    address,
  };
  return insertExchange(trx, exchange, WORKLOAD_LIMITS.exchanges);
}

/**
 * Records a refusal in the activity log, and, if it is the first refusal of the identity with this reason in a minute,
 * among the identity's last exchanges.
 */
export async function recordRefusal(
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
    // If the identity has been deleted, so have its exchanges.
    if ((await lockWorkloadIdentity(trx, workspaceId, row.id)) === undefined) return;
    await recordExchange(trx, row, origin, now, { reason, detail, claims: recorded });
  });
}
