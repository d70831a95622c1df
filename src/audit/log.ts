import { createHash } from 'node:crypto';
import type { AuditDraft, AuditParty } from '../contract/audit.ts';
import type { AuditEvent, AuditQuery } from '../contract/audit-events.ts';
import type { AuditAction, AuditPartyKind } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import type { Page } from '../contract/paging.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { advanceAuditHead, insertAuditEvent, listAuditEvents } from '../store/audit.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { AuditEventTable } from '../store/schema/audit.ts';
import type { Queryable, Trx } from '../store/store.ts';
import { consumeChangeQuota } from './quotas.ts';
import { refuseIfRightsLost } from './roles.ts';
import { toStoredUserAgent } from './user-agent.ts';

/**
 * The log for events outside any workspace, such as a sign-up before any workspace exists, or the deletion of a
 * workspace.
 */
export const SYSTEM_LOG = 'system';

/**
 * The actor of a change that no person, credential or workload makes, such as one by a schedule, an automatic rule or a
 * command on the machine of the server.
 */
export const SYSTEM_ACTOR: AuditParty = { kind: 'system', id: null, name: null };

/** Returns the SHA-256 of every field of an event and the hash of the previous event, in hex. Pure. */
export function hashOfAuditEvent(row: Omit<AuditEventTable, 'hash'>): string {
  const fields = [
    row.previous_hash,
    row.workspace_id,
    row.sequence,
    row.id,
    row.at,
    row.action,
    [row.actor_kind, row.actor_id, row.actor_name],
    [row.target_kind, row.target_id, row.target_name],
    [row.credential_kind, row.credential_id, row.credential_name],
    [row.address, row.user_agent, row.request_id],
    row.detail,
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/**
 * Appends an event to its workspace's log, in the transaction of the change that it records, so that no change is made
 * without its event. Each event contains the hash of the previous event, so that removed or edited events are detected.
 * Throws `forbidden` if the actor has lost the required role since the request was authorized, `invalid_token` if the
 * actor is a credential that is no longer valid, and `quota_exceeded` if there were too many such changes.
 */
export async function appendAuditEvent(trx: Trx, draft: AuditDraft): Promise<void> {
  const { sequence, hash } = await advanceAuditHead(trx, draft.workspaceId);
  if (draft.workspaceId !== SYSTEM_LOG) await refuseIfRightsLost(trx, draft);
  await consumeChangeQuota(trx, draft);
  const { actor, target, credential, origin } = draft;
  const row = {
    id: createId('audit_event', draft.at),
    workspace_id: draft.workspaceId,
    sequence,
    at: draft.at,
    action: draft.action,
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    target_kind: target?.kind ?? null,
    target_id: target?.id ?? null,
    target_name: target?.name ?? null,
    credential_id: credential?.id ?? null,
    credential_kind: credential?.kind ?? null,
    credential_name: credential?.name ?? null,
    address: origin.address,
    user_agent: toStoredUserAgent(origin.userAgent),
    request_id: origin.requestId,
    detail: JSON.stringify(draft.detail),
    previous_hash: hash,
  };
  await insertAuditEvent(trx, { ...row, hash: hashOfAuditEvent(row) });
}

/** Appends a copy of the event to each workspace's log, in the order of the workspace IDs to avoid deadlocks. */
export async function appendToEachLog(
  trx: Trx,
  workspaceIds: readonly string[],
  draft: Omit<AuditDraft, 'workspaceId'>,
): Promise<void> {
  for (const workspaceId of [...workspaceIds].sort()) await appendAuditEvent(trx, { ...draft, workspaceId });
}

function partyOf(kind: string | null, id: string | null, name: string | null): AuditParty | null {
  return kind === null ? null : { kind: kind as AuditPartyKind, id, name };
}

/** Returns a stored event in the format of the API. Pure. */
export function serializeAuditEvent(row: AuditEventTable): AuditEvent {
  return {
    id: row.id,
    sequence: row.sequence,
    action: row.action as AuditAction,
    at: new Date(row.at).toISOString(),
    actor: partyOf(row.actor_kind, row.actor_id, row.actor_name) ?? SYSTEM_ACTOR,
    target: partyOf(row.target_kind, row.target_id, row.target_name),
    credential:
      row.credential_id === null
        ? null
        : {
            id: row.credential_id,
            kind: row.credential_kind as CredentialKind,
            name: row.credential_name ?? '',
          },
    address: row.address,
    userAgent: row.user_agent,
    requestId: row.request_id,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

/** Returns a page of a workspace's log, newest first. Throws `validation_failed` for a cursor of another list. */
export async function readAuditLog(db: Queryable, workspaceId: string, query: AuditQuery): Promise<Page<AuditEvent>> {
  const page = readPageRequest(query, '-sequence', 'number');
  const { action, actor, target, credential } = query;
  const rows = await listAuditEvents(
    db,
    workspaceId,
    {
      action,
      actor,
      target,
      credential,
      from: query.from === undefined ? undefined : Date.parse(query.from),
      to: query.to === undefined ? undefined : Date.parse(query.to),
    },
    page,
  );
  return toPage(rows, page.limit, '-sequence', (row) => ({ value: row.sequence, id: row.id }), serializeAuditEvent);
}
