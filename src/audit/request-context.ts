import type { AuditParty, CredentialReference, RequestOrigin } from '../contract/audit.ts';
import type { AuditAction, AuditPartyKind } from '../contract/event-names.ts';
import type { IdempotencyClaim } from '../contract/idempotency.ts';
import type { AllowedResources } from '../store/resource-access.ts';
import type { Trx } from '../store/store.ts';
import { appendAuditEvent, SYSTEM_ACTOR } from './log.ts';

/** The workspace, the actor and the origin of a request or an automatic change. */
export interface RequestContext {
  /** `SYSTEM_LOG` for a change to an account, which belongs to no workspace. */
  readonly workspaceId: string;
  readonly actor: AuditParty;
  /**
   * The access token or API key that authenticated the request; null for a signed-in person or the system. Its ID and
   * name stay in the activity log after it is deleted.
   */
  readonly credential: CredentialReference | null;
  readonly origin: RequestOrigin;
  /**
   * The use of an `Idempotency-Key` that the change must store in its transaction; null if the request has no such key.
   */
  readonly idempotencyClaim: IdempotencyClaim | null;
  /** The request's `If-Match` header. */
  readonly ifMatch: string | null;
  /** The projects and apps to which the credential is restricted; absent or null if it is not restricted. */
  readonly allowed?: AllowedResources | null;
}

/** Returns the context of a change that `SYSTEM_ACTOR` makes. */
export function systemRequestContext(workspaceId: string, userAgent: string | null = null): RequestContext {
  const origin = { address: null, userAgent, requestId: null };
  return { workspaceId, actor: SYSTEM_ACTOR, credential: null, origin, idempotencyClaim: null, ifMatch: null };
}

/** Records a change in the transaction that makes it. Throws the errors of `appendAuditEvent`. */
export async function recordAuditEvent(
  trx: Trx,
  request: RequestContext,
  action: AuditAction,
  target: AuditParty | null,
  timestampMs: number,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { workspaceId, actor, credential, origin } = request;
  await appendAuditEvent(trx, { workspaceId, action, at: timestampMs, actor, target, credential, origin, detail });
}

/** Returns the columns of a row that record who created it. */
export function actorColumnsOf({ actor }: RequestContext) {
  return { actor_kind: actor.kind, actor_id: actor.id, actor_name: actor.name };
}

/** Returns the actor that `actorColumnsOf` has stored in a row. */
export const actorOf = (row: {
  readonly actor_kind: string;
  readonly actor_id: string | null;
  readonly actor_name: string | null;
}): AuditParty => ({ kind: row.actor_kind as AuditPartyKind, id: row.actor_id, name: row.actor_name });

/** Returns an actor as sentences in logs and messages name it, for example `the API key ci`. */
export function displayNameOf({ kind, name, id }: AuditParty): string {
  const displayName = name ?? id ?? 'someone';
  if (kind === 'api_key') return `the API key ${displayName}`;
  return kind === 'access_token' ? `the access token ${displayName}` : displayName;
}
