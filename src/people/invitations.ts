import { appendAuditEvent } from '../audit/log.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { toIsoString } from '../contract/instant.ts';
import type { CreatedInvitation, Invitation } from '../contract/invitations.ts';
import { DURATIONS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import type { AssignableRole } from '../contract/vocabulary.ts';
import type { Workspace } from '../contract/workspaces.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import {
  deleteInvitation as deleteRow,
  findInvitation,
  type InvitationRow,
  listInvitations as listRows,
  replaceInvitation,
} from '../store/invitations.ts';
import { findMemberByEmail, insertMember } from '../store/members.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import { setLastWorkspace } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { findWorkspace, findWorkspaceById } from '../store/workspaces.ts';
import {
  actingPersonId,
  emailKey,
  type PeopleContext,
  personPartyOf,
  randomCode,
  type SignedInPerson,
  sha256,
} from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { lockAdminRole } from './members.ts';
import { serializeWorkspace } from './workspaces.ts';

function serializeInvitation(row: InvitationRow): Invitation {
  const { id, email, role, created_by, creator_name, creator_email } = row;
  return {
    id,
    email,
    role,
    createdAt: toIsoString(row.created_at),
    createdBy:
      creator_name === null || creator_email === null
        ? null
        : { id: created_by, name: creator_name, email: creator_email },
    expiresAt: toIsoString(row.expires_at),
  };
}

/**
 * Creates an invitation with a link, which is also mailed if a mail server is configured. Replaces an earlier
 * invitation to the same email address. Throws `conflict` if the person is already a member, `idempotent_replay` for a
 * repeated request, and `forbidden` if the caller is no longer an owner or admin.
 */
export async function createInvitation(
  context: PeopleContext,
  request: RequestContext,
  inviter: { readonly name: string; readonly email: string },
  input: { email: string; role: AssignableRole },
): Promise<CreatedInvitation> {
  const now = context.clock();
  const { workspaceId } = request;
  const code = randomCode(32);
  const url = `${context.publicUrl()}/accept-invitation#${code}`;
  const row = {
    id: createId('invitation', now),
    workspace_id: workspaceId,
    email: input.email,
    email_key: emailKey(input.email),
    role: input.role,
    digest: sha256(code),
    created_by: actingPersonId(request),
    created_at: now,
    expires_at: now + DURATIONS.invitation,
  };
  const workspace = await context.store.transaction(async (trx) => {
    await lockAdminRole(trx, request);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
    if ((await findMemberByEmail(trx, workspaceId, row.email_key)) !== undefined) {
      throw new Problem('conflict', 'This person is already a member.');
    }
    await replaceInvitation(trx, row);
    const target = { kind: 'invitation', id: row.id, name: row.email } as const;
    const detail = { after: { email: row.email, role: row.role } };
    await recordAuditEvent(trx, request, 'invitation.created', target, now, detail);
    return findWorkspaceById(trx, workspaceId);
  });
  const isMailed = await sendInvitationMail(context, input.email, workspace?.name ?? '', inviter.name, url);
  return {
    ...serializeInvitation({ ...row, creator_name: inviter.name, creator_email: inviter.email }),
    code,
    url,
    mailed: isMailed,
  };
}

async function sendInvitationMail(
  context: PeopleContext,
  to: string,
  workspace: string,
  inviterName: string,
  url: string,
): Promise<boolean> {
  if (context.mail === null) return false;
  const text = `${inviterName} has invited you to the Devpilot workspace ${workspace}.\n\nAccept the invitation within seven days:\n${url}\n`;
  try {
    await context.mail.send({ to, subject: `Invitation to ${workspace}`, text });
    return true;
  } catch {
    // The response contains the link, and `mailed: false`, so that the inviter can pass the link on.
    return false;
  }
}

export async function listInvitations(
  context: PeopleContext,
  workspaceId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Invitation>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listRows(context.store.read, workspaceId, context.clock(), page);
  return toPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeInvitation);
}

/** Throws `not_found` if the workspace has no such invitation. */
export async function deleteInvitation(context: PeopleContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const deleted = await deleteRow(trx, workspaceId, id);
    if (deleted === undefined) throw new Problem('not_found', 'The invitation was not found in this workspace.');
    const target = { kind: 'invitation', id, name: deleted.email } as const;
    await recordAuditEvent(trx, request, 'invitation.deleted', target, context.clock(), {});
  });
}

/**
 * Accepts an invitation inside a transaction. Returns the ID of the workspace. Throws `not_found`, `forbidden` if it is
 * for another email address, and `conflict` if the person is already a member.
 */
export async function acceptInvitationInTransaction(
  trx: Trx,
  person: { readonly id: string; readonly name: string; readonly email_key: string },
  code: string,
  origin: RequestOrigin,
  now: number,
): Promise<string> {
  const invitation = await findInvitation(trx, sha256(code), now);
  if (invitation === undefined) {
    throw new Problem('not_found', 'The invitation is no longer valid. Ask for a new one.');
  }
  if (invitation.email_key !== person.email_key) {
    throw new Problem('forbidden', 'The invitation is for another email address. Sign in with that address.');
  }
  const workspaceId = invitation.workspace_id;
  if ((await findMemberByEmail(trx, workspaceId, person.email_key)) !== undefined) {
    throw new Problem('conflict', 'You are already a member of this workspace.');
  }
  if ((await deleteRow(trx, workspaceId, invitation.id)) === undefined) {
    throw new Problem('not_found', 'The invitation is no longer valid. Ask for a new one.');
  }
  const id = createId('member', now);
  await insertMember(trx, {
    id,
    workspace_id: workspaceId,
    person_id: person.id,
    role: invitation.role,
    created_at: now,
  });
  await setLastWorkspace(trx, person.id, workspaceId);
  await appendAuditEvent(trx, {
    workspaceId,
    action: 'member.created',
    at: now,
    actor: personPartyOf(person),
    target: { kind: 'member', id, name: person.name },
    credential: null,
    origin,
    detail: { after: { email: invitation.email, role: invitation.role }, invitation: invitation.id },
  });
  return workspaceId;
}

/**
 * Accepts an invitation as the signed-in person. Throws `invalid_token` and the errors of
 * `acceptInvitationInTransaction`.
 */
export async function acceptInvitation(
  context: PeopleContext,
  caller: SignedInPerson,
  code: string,
  origin: RequestOrigin,
): Promise<Workspace> {
  return context.store.transaction(async (trx) => {
    const person = await lockSignedInPerson(trx, caller);
    const workspaceId = await acceptInvitationInTransaction(trx, person, code, origin, context.clock());
    const workspace = await findWorkspace(trx, caller.personId, workspaceId);
    if (workspace === undefined) throw new Problem('internal');
    return serializeWorkspace(workspace);
  });
}
