import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import { toIsoString } from '../contract/instant.ts';
import type { Member } from '../contract/members.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import type { AssignableRole } from '../contract/vocabulary.ts';
import {
  deleteMember,
  listMembers as listRows,
  lockMember,
  lockRole,
  type MemberRow,
  updateMemberRole,
} from '../store/members.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import { deleteSentInvitations } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { actingPersonId, memberPartyOf, type PeopleContext } from './context.ts';
import { endAccessWithLastWorkspace } from './lock-session.ts';

export function serializeMember(row: MemberRow): Member {
  return {
    id: row.id,
    personId: row.person_id,
    name: row.name,
    email: row.email,
    role: row.role,
    twoFactor: row.totp_enabled === 1,
    createdAt: toIsoString(row.created_at),
  };
}

export async function listMembers(
  context: PeopleContext,
  workspaceId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Member>> {
  const page = readPageRequest(query, 'createdAt', 'number');
  const rows = await listRows(context.store.read, workspaceId, page);
  return toPage(rows, page.limit, 'createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeMember);
}

/**
 * Checks that the caller is still an owner or admin, because the role may have changed since the request started, and
 * locks the role until the transaction ends. Throws `forbidden`.
 */
export async function lockAdminRole(trx: Trx, request: RequestContext): Promise<void> {
  const role = await lockRole(trx, request.workspaceId, actingPersonId(request));
  if (role !== 'owner' && role !== 'admin') {
    throw new Problem('forbidden', 'You are no longer an owner or admin of this workspace.');
  }
}

async function lockNonOwner(trx: Trx, workspaceId: string, id: string): Promise<MemberRow> {
  const member = await lockMember(trx, workspaceId, id);
  if (member === undefined) throw new Problem('not_found', 'The member was not found in this workspace.');
  if (member.role === 'owner') {
    throw new Problem('forbidden', 'The owner cannot be changed or removed; transfer ownership first.');
  }
  return member;
}

/**
 * Changes the role of a member. Throws `not_found`, and `forbidden` for the owner or if the caller is no longer an
 * owner or admin.
 */
export async function updateMember(
  context: PeopleContext,
  request: RequestContext,
  id: string,
  role: AssignableRole,
): Promise<Member> {
  const { workspaceId } = request;
  return context.store.transaction(async (trx) => {
    await lockAdminRole(trx, request);
    const member = await lockNonOwner(trx, workspaceId, id);
    if (member.role === role) return serializeMember(member);
    await updateMemberRole(trx, workspaceId, id, role);
    const invitationsEnded = role === 'member' ? await deleteSentInvitations(trx, member.person_id, workspaceId) : 0;
    await recordAuditEvent(trx, request, 'member.updated', memberPartyOf(member), context.clock(), {
      before: { role: member.role },
      after: { role },
      invitationsEnded,
    });
    return serializeMember({ ...member, role });
  });
}

/**
 * Ends a membership and the invitations that the person has sent in the workspace, and if it was the person's last
 * workspace, all access of the person. Returns the number of ended invitations.
 */
export async function endMembership(context: PeopleContext, trx: Trx, member: MemberRow): Promise<number> {
  await deleteMember(trx, member.workspace_id, member.id);
  await endAccessWithLastWorkspace(trx, member.person_id, context.clock());
  return deleteSentInvitations(trx, member.person_id, member.workspace_id);
}

/**
 * Removes a member, who can then no longer see anything in the workspace. If it was their last workspace, all their
 * access ends. Resources that they created remain. Throws `not_found`, and `forbidden` for the owner or if the caller
 * is no longer an owner or admin.
 */
export async function removeMember(context: PeopleContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    await lockAdminRole(trx, request);
    const member = await lockNonOwner(trx, workspaceId, id);
    const invitationsEnded = await endMembership(context, trx, member);
    await recordAuditEvent(trx, request, 'member.deleted', memberPartyOf(member), context.clock(), {
      before: { email: member.email, role: member.role },
      invitationsEnded,
    });
  });
}
