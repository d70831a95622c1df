import { createHash } from 'node:crypto';
import { append, SYSTEM } from '../audit/log.ts';
import type { CredentialParty, Origin, Party } from '../contract/audit.ts';
import { type Claim, refuseReplay } from '../contract/idempotency.ts';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import type { AuditAction, AuditNoun } from '../contract/words.ts';
import { claimKey } from '../store/idempotency.ts';
import type { Seal } from '../store/seal.ts';
import type { Store, Trx } from '../store/store.ts';
import type { Ingest } from './activity-ingest.ts';
import type { Storages } from './backups/storage.ts';
import type { Reports } from './error-reports.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { Logs } from './logs.ts';
import type { Patterns } from './patterns.ts';
import type { Pauses } from './runner/connection.ts';

/** What everything that credentials open needs. */
export interface WorkspaceContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  /** Whether a server may be this machine itself. */
  readonly localServer: boolean;
  /** How often connecting to a server that is not reached is tried again. */
  readonly connecting: { readonly begin: Pauses; readonly goBack: Pauses };
  /** Takes events of the activity tracker in; they are on disk when it resolves. */
  readonly ingest: Ingest;
  /** Takes a reported error in; it is on disk when it resolves. */
  readonly reports: Reports;
  /** The queue of all that takes time. */
  readonly jobs: Jobs;
  /** What is said while it runs. */
  readonly logs: Logs;
  /** Judges regular expressions that users wrote. */
  readonly patterns: Patterns;
  /** Where backups are kept. */
  readonly storages: Storages;
  /** Takes what went wrong and is tried again later. */
  readonly onError: (error: unknown) => void;
}

/** Who changes something in which workspace, from where: a person or a credential. */
export interface Asker {
  readonly workspaceId: string;
  readonly actor: Party;
  /** The credential that asks; its id and name stay in the log after it is deleted. */
  readonly credential: CredentialParty | null;
  readonly origin: Origin;
  readonly claim: Claim | null;
  /** The `If-Match` that came with the request. */
  readonly ifMatch: string | null;
}

/** The system itself, where a schedule or a rule makes a change that nobody asked for. */
export function systemIn(workspaceId: string): Asker {
  const origin = { address: null, userAgent: null, requestId: null };
  return { workspaceId, actor: SYSTEM, credential: null, origin, claim: null, ifMatch: null };
}

export const instant = (at: number): string => new Date(at).toISOString();

/** Claims an idempotency key inside a transaction. Throws what `refuseReplay` throws. */
export async function claimOnce(trx: Trx, claim: Claim | null, resourceId: string, at: number): Promise<void> {
  if (claim !== null) refuseReplay(claim, await claimKey(trx, claim, resourceId, at));
}

/** Records a change in the transaction that makes it. */
export async function record(
  trx: Trx,
  asker: Asker,
  action: AuditAction,
  target: { readonly kind: AuditNoun; readonly id: string; readonly name: string },
  at: number,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { workspaceId, actor, credential, origin } = asker;
  await append(trx, { workspaceId, action, at, actor, target, credential, origin, detail });
}

/** Fields that move on by themselves: nobody edited anything. */
const MOVING = new Set(['updatedAt', 'nextRunAt']);

/** The entity tag of a resource as the wire shows it (RFC 9110, section 8.8.3). */
export function tagOf(shown: object): string {
  const text = JSON.stringify(shown, (field, value: unknown) => (field === 'nextRunAt' ? undefined : value));
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/**
 * Throws `conflict` where the caller's `If-Match` names another state than the one that is there.
 * A proxy that compresses makes tags weak on the way; that is no other state.
 */
export function checkTag(ifMatch: string | null, shown: object): void {
  if (ifMatch === null || ifMatch.trim() === '*') return;
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (tags.includes(tagOf(shown))) return;
  throw new Problem('conflict', 'This was changed since you read it (If-Match). Read it again, then try anew.');
}

/** A value that readers may see: secrets of ours and passwords in URLs are masked. */
export function withoutSecrets(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  return JSON.parse(redactSecrets(text.replace(/(:\/\/[^/@\s":]*:)[^/@\s"]+@/g, '$1…@'))) as unknown;
}

/** What an edit changed: the fields that differ, before and after; null where none does. Pure. */
export function differenceOf(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } | null {
  const fields = Object.keys(after).filter(
    (field) => !MOVING.has(field) && JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  if (fields.length === 0) return null;
  const pick = (shown: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(fields.map((field) => [field, withoutSecrets(shown[field])]));
  return { before: pick(before), after: pick(after) };
}
