import { createHash } from 'node:crypto';
import { appendAuditEvent, SYSTEM_ACTOR } from '../audit/log.ts';
import type { AuditParty, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import { type IdempotencyClaim, refuseReplay } from '../contract/idempotency.ts';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import type { AuditAction, AuditPartyKind } from '../contract/vocabulary.ts';
import type { JobQueue } from '../jobs/jobs.ts';
import type { RetryDelays } from '../runner/ssh-connection.ts';
import { claimIdempotencyKey } from '../store/idempotency.ts';
import type { Seal } from '../store/seal.ts';
import type { Store, Trx } from '../store/store.ts';
import type { ActivityIngest } from './activity/activity-ingest.ts';
import type { Storages } from './backups/storage.ts';
import type { ErrorIngest } from './errors/error-ingest.ts';
import type { Logs } from './logs/logs.ts';
import type { PatternMatcher } from './scripts/pattern-matcher.ts';

/** What everything that credentials open needs. */
export interface PlatformContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  /** Whether a server may be this machine itself. */
  readonly allowLocalServers: boolean;
  /** How often connecting to a server that is not reached is tried again. */
  readonly connectRetryDelays: { readonly start: RetryDelays; readonly rollback: RetryDelays };
  /** Takes events of the activity tracker in; they are on disk when it resolves. */
  readonly activityIngest: ActivityIngest;
  /** Takes a reported error in; it is on disk when it resolves. */
  readonly errorIngest: ErrorIngest;
  /** The queue of all that takes time. */
  readonly jobs: JobQueue;
  /** What is said while it runs. */
  readonly logs: Logs;
  /** Judges regular expressions that users wrote. */
  readonly patternMatcher: PatternMatcher;
  /** Where backups are kept. */
  readonly backupStorages: Storages;
  /** Takes what went wrong and is tried again later. */
  readonly onError: (error: unknown) => void;
}

/** Who changes something in which workspace, from where: a person or a credential. */
export interface RequestContext {
  readonly workspaceId: string;
  readonly actor: AuditParty;
  /** The credential that asks; its id and name stay in the log after it is deleted. */
  readonly credential: CredentialReference | null;
  readonly origin: RequestOrigin;
  readonly claim: IdempotencyClaim | null;
  /** The `If-Match` that came with the request. */
  readonly ifMatch: string | null;
}

/** The system itself, where a schedule or a rule makes a change that nobody asked for. */
export function systemRequestContext(workspaceId: string): RequestContext {
  const origin = { address: null, userAgent: null, requestId: null };
  return { workspaceId, actor: SYSTEM_ACTOR, credential: null, origin, claim: null, ifMatch: null };
}

export const toIsoString = (timestampMs: number): string => new Date(timestampMs).toISOString();

/** Claims an idempotency key inside a transaction. Throws what `refuseReplay` throws. */
export async function claimOrRefuseReplay(
  trx: Trx,
  claim: IdempotencyClaim | null,
  resourceId: string,
  timestampMs: number,
): Promise<void> {
  if (claim !== null) refuseReplay(claim, await claimIdempotencyKey(trx, claim, resourceId, timestampMs));
}

/** Records a change in the transaction that makes it. */
export async function recordAuditEvent(
  trx: Trx,
  request: RequestContext,
  action: AuditAction,
  target: { readonly kind: AuditPartyKind; readonly id: string; readonly name: string },
  timestampMs: number,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { workspaceId, actor, credential, origin } = request;
  await appendAuditEvent(trx, { workspaceId, action, at: timestampMs, actor, target, credential, origin, detail });
}

/** Fields that move on by themselves: nobody edited anything. */
const DERIVED_FIELDS = new Set(['updatedAt', 'nextRunAt']);

/** The entity tag of a resource as the wire shows it (RFC 9110, section 8.8.3). */
export function etagOf(representation: object): string {
  const text = JSON.stringify(representation, (field, value: unknown) => (field === 'nextRunAt' ? undefined : value));
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/**
 * Throws `conflict` where the caller's `If-Match` names another state than the one that is there.
 * A proxy that compresses makes tags weak on the way; that is no other state.
 */
export function checkIfMatch(ifMatch: string | null, representation: object): void {
  if (ifMatch === null || ifMatch.trim() === '*') return;
  const etags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (etags.includes(etagOf(representation))) return;
  throw new Problem('conflict', 'This was changed since you read it (If-Match). Read it again, then retry.');
}

/** A value that readers may see: secrets of ours and passwords in URLs are masked. */
export function redactSecretsIn(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  return JSON.parse(redactSecrets(text.replace(/(:\/\/[^/@\s":]*:)[^/@\s"]+@/g, '$1…@'))) as unknown;
}

/** What an edit changed: the fields that differ, before and after; null where none does. Pure. */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } | null {
  const fields = Object.keys(after).filter(
    (field) => !DERIVED_FIELDS.has(field) && JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  if (fields.length === 0) return null;
  const pick = (representation: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(fields.map((field) => [field, redactSecretsIn(representation[field])]));
  return { before: pick(before), after: pick(after) };
}
