import { type Decision, decide } from '../authorization/decision.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import { NO_ROW, recordOf } from '../authorization/registry.ts';
import type { ResourceCheck } from '../authorization/restricted-use.ts';
import type { Requirement } from '../authorization/rights.ts';
import { ID_PREFIXES } from '../contract/id.ts';
import type { RateState } from '../contract/problem.ts';
import type { DecisionStep } from '../contract/vocabulary.ts';
import { findUseLimits } from '../store/credential-uses.ts';
import { findCredential } from '../store/credentials.ts';
import { credentialNotFound } from './credential-reads.ts';
import type { CredentialContext } from './credentials.ts';
import { takeUsesFromRow, toStoredCredential } from './stored-record.ts';

/** A hypothetical request, which names its credential by ID instead of presenting a secret. */
export interface HypotheticalRequest {
  readonly credentialId: string;
  readonly requirement: Requirement;
  /** The client's address, or null for any address from which the credential may be used. */
  readonly address: string | null;
  /** Undefined if the request is not about a project or app. */
  readonly checkResource: ResourceCheck | undefined;
}

export interface ExplainedDecision {
  readonly decision: Decision;
  readonly record: CredentialRecord;
  /** The steps that pass by assumption. */
  readonly assumed: readonly DecisionStep[];
  /** The state of the rate limit if it was checked. */
  readonly rate?: RateState | null;
}

/**
 * Returns the decision on a request with a stored credential of the workspace, assuming the correct passphrase if it
 * has one. Counts no use. Throws `not_found`.
 */
export async function explainDecision(
  context: CredentialContext,
  workspaceId: string,
  { credentialId, requirement, address, checkResource }: HypotheticalRequest,
): Promise<ExplainedDecision> {
  const kind = credentialId.startsWith(ID_PREFIXES.access_token) ? 'access_token' : 'api_key';
  const row = await findCredential(context.store.read, workspaceId, kind, credentialId);
  if (row === undefined) throw credentialNotFound();
  // The state of the rate limit is read below, if it has to be checked.
  const stored = toStoredCredential({ ...row, kind, rate_missing: 0, rate_at: 0 });
  const record: CredentialRecord = { ...recordOf(stored, { id: workspaceId, revoked: false }), row: NO_ROW };
  const assumesAddress = address === null && (record.restrictions?.addresses ?? null) !== null;
  const restrictions =
    record.restrictions !== null && assumesAddress ? { ...record.restrictions, addresses: null } : record.restrictions;
  const hasPassphrase = record.passphraseHash !== null;
  const assumed: DecisionStep[] = [];
  if (hasPassphrase) assumed.push('passphrase');
  if (assumesAddress) assumed.push('address');
  const passphrase = hasPassphrase ? 'correct' : 'not_needed';
  const isSpent = restrictions?.spent === true;
  const decision = decide(
    { ...record, restrictions },
    passphrase,
    requirement,
    context.clock(),
    address ?? '',
    isSpent,
  );
  if (decision !== 'ok' || restrictions === null) return { decision, record, assumed };
  const { resources, rate } = restrictions;
  const isAllowed = resources === null || ((await checkResource?.(resources, workspaceId)) ?? true);
  if (!isAllowed) return { decision: 'resource_not_allowed', record, assumed };
  if (rate !== null) await context.shareRates();
  const uses = rate === null ? undefined : await findUseLimits(context.store.read, workspaceId, credentialId);
  if (uses === undefined) return { decision, record, assumed };
  const { granted, rate: state } = takeUsesFromRow(uses, 1, context.clock());
  return { decision: granted === 0 ? 'rate_exceeded' : 'ok', record, assumed, rate: state };
}
