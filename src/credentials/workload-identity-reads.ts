import {
  type ClaimConditions,
  type Claims,
  issuerAndAudienceFailures,
  unmetConditions,
} from '../contract/claim-patterns.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import type { Scope } from '../contract/vocabulary.ts';
import type { WorkloadExchange, WorkloadIdentity, WorkloadIdentityTest } from '../contract/workload-identities.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { WorkloadExchangeTable, WorkloadIdentityTable } from '../store/schema/workloads.ts';
import type { Queryable } from '../store/store.ts';
import {
  findWorkloadIdentity,
  listExchanges as listExchangeRows,
  listWorkloadIdentities as listRows,
} from '../store/workload-identities.ts';
import { parseRestrictions } from './restrictions.ts';
import type { WorkloadContext } from './workload-context.ts';

export const conditionsOf = (row: WorkloadIdentityTable) => JSON.parse(row.conditions) as ClaimConditions;
export const scopesOf = (row: WorkloadIdentityTable) => JSON.parse(row.scopes) as Scope[];
export const workloadPartyOf = ({ id, name }: { id: string; name: string }) =>
  ({ kind: 'workload_identity', id, name }) as const;

/** Returns a workload identity in the format of the API. Pure. */
export function serializeIdentity(row: WorkloadIdentityTable): WorkloadIdentity {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    jwksUrl: row.jwks_url,
    audience: row.audience,
    conditions: conditionsOf(row),
    scopes: scopesOf(row),
    lifetimeSeconds: row.lifetime_seconds,
    restrictions: parseRestrictions(row),
    lastExchangedAt: toIsoStringOrNull(row.last_exchanged_at),
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

export const workloadIdentityNotFound = () =>
  new Problem('not_found', 'The workload identity was not found in this workspace.');

/** Throws `not_found` if the workspace has no such identity. */
export async function requireIdentity(db: Queryable, workspaceId: string, id: string): Promise<WorkloadIdentityTable> {
  const row = await findWorkloadIdentity(db, workspaceId, id);
  if (row === undefined) throw workloadIdentityNotFound();
  return row;
}

/** Returns a page of workload identities, newest first. Throws `validation_failed` for a cursor of another list. */
export async function listWorkloadIdentities(
  { store }: WorkloadContext,
  workspaceId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<WorkloadIdentity>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listRows(store.read, workspaceId, page);
  const positionOf = (row: WorkloadIdentityTable) => ({ value: row.created_at, id: row.id });
  return toPage(rows, page.limit, '-createdAt', positionOf, serializeIdentity);
}

/** Throws `not_found` if the workspace has no such identity. */
export async function getWorkloadIdentity(
  { store }: WorkloadContext,
  workspaceId: string,
  id: string,
): Promise<WorkloadIdentity> {
  return serializeIdentity(await requireIdentity(store.read, workspaceId, id));
}

function serializeExchange(row: WorkloadExchangeTable): WorkloadExchange {
  return {
    id: row.id,
    at: toIsoString(row.at),
    accepted: row.accepted === 1,
    reason: row.reason,
    detail: row.detail,
    claims: row.claims === null ? null : (JSON.parse(row.claims) as Record<string, string>),
    credential: row.credential_id,
    address: row.address,
  };
}

/** Returns the last exchanges of an identity, newest first. Throws `not_found`. */
export async function listExchanges(
  { store }: WorkloadContext,
  workspaceId: string,
  id: string,
): Promise<{ data: WorkloadExchange[] }> {
  await requireIdentity(store.read, workspaceId, id);
  return { data: (await listExchangeRows(store.read, workspaceId, id)).map(serializeExchange) };
}

/**
 * Returns whether claims match the issuer, the audience and the conditions of an identity. Checks neither a signature
 * nor times. Throws `not_found`.
 */
export async function testWorkloadIdentity(
  { store }: WorkloadContext,
  workspaceId: string,
  id: string,
  claims: Claims,
): Promise<WorkloadIdentityTest> {
  const row = await requireIdentity(store.read, workspaceId, id);
  const failures = [...issuerAndAudienceFailures(claims, row), ...unmetConditions(claims, conditionsOf(row))];
  return { accepted: failures.length === 0, failures };
}
