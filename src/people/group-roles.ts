import { type RequestContext, recordAuditEvent, systemRequestContext } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { type AssignableRole, ROLE_RANK } from '../contract/vocabulary.ts';
import {
  findGroupMapping,
  type GroupMapping,
  listGroupMappings,
  listMemberships,
  lockMembership,
  type Membership,
  updateGroupRole,
} from '../store/group-roles.ts';
import { insertMember, lockMember } from '../store/members.ts';
import { findPerson, type PersonRow, setLastWorkspace } from '../store/people.ts';
import { deleteSentInvitations } from '../store/person-access.ts';
import { isUniqueViolation, type Trx } from '../store/store.ts';
import { memberPartyOf, type PeopleContext } from './context.ts';
import { endMembership } from './members.ts';
import { type Claims, claimValues } from './oidc-claims.ts';

/** Returns the highest role that the values of a claim grant, or null. Never returns the owner role. Pure. */
export function roleOfGroups(
  { claim, roles }: Pick<GroupMapping, 'claim' | 'roles'>,
  claims: Claims,
): AssignableRole | null {
  const granted = claimValues(claims, claim).flatMap((value) =>
    Object.hasOwn(roles, value) ? (roles[value] ?? []) : [],
  );
  return granted.sort((a, b) => ROLE_RANK[b] - ROLE_RANK[a])[0] ?? null;
}

/** Whether a membership must be added, changed or ended, given the role that the person's groups grant. Pure. */
function needsChange(member: Membership | undefined, grantedRole: AssignableRole | null): boolean {
  if (member === undefined) return grantedRole !== null;
  if (member.role === 'owner') return false;
  if (grantedRole === null) return member.by_group === 1;
  return member.role !== grantedRole || member.by_group === 0;
}

async function addMember(
  trx: Trx,
  request: RequestContext,
  person: PersonRow,
  role: AssignableRole,
  now: number,
): Promise<void> {
  const { workspaceId } = request;
  const id = createId('member', now);
  const row = { id, workspace_id: workspaceId, person_id: person.id, role, created_at: now };
  await insertMember(trx, { ...row, by_group: 1 });
  if (person.last_workspace_id === null) await setLastWorkspace(trx, person.id, workspaceId);
  const target = memberPartyOf({ id, name: person.name });
  const detail = { after: { email: person.email, role }, reason: 'group' };
  await recordAuditEvent(trx, request, 'member.created', target, now, detail);
}

/** Applies the workspace's mapping from groups to roles to a person's membership. */
async function applyMapping(
  context: PeopleContext,
  trx: Trx,
  request: RequestContext,
  person: PersonRow,
  claims: Claims,
): Promise<void> {
  const now = context.clock();
  const { workspaceId } = request;
  const mapping = await findGroupMapping(trx, workspaceId);
  if (mapping === null) return;
  const grantedRole = roleOfGroups(mapping, claims);
  const membership = await lockMembership(trx, workspaceId, person.id);
  if (!needsChange(membership, grantedRole)) return;
  if (membership === undefined) {
    if (grantedRole !== null) await addMember(trx, request, person, grantedRole, now);
    return;
  }
  const member = await lockMember(trx, workspaceId, membership.id);
  if (member === undefined) return;
  const target = memberPartyOf(member);
  if (grantedRole === null) {
    const invitationsEnded = await endMembership(context, trx, member);
    const before = { email: member.email, role: member.role };
    return recordAuditEvent(trx, request, 'member.deleted', target, now, { before, invitationsEnded, reason: 'group' });
  }
  await updateGroupRole(trx, workspaceId, member.id, grantedRole);
  // The role may be unchanged, if the membership was not yet granted by a group.
  if (member.role === grantedRole) return;
  const invitationsEnded = grantedRole === 'member' ? await deleteSentInvitations(trx, person.id, workspaceId) : 0;
  const detail = { before: { role: member.role }, after: { role: grantedRole }, invitationsEnded, reason: 'group' };
  await recordAuditEvent(trx, request, 'member.updated', target, now, detail);
}

/**
 * Applies the roles that a person's groups at the provider grant in each workspace, and ends memberships that were
 * granted by a group and are no longer granted by any. Owners keep their role. Invited members keep their role until a
 * group grants them one.
 */
export async function applyGroupRoles(
  context: PeopleContext,
  { id: personId }: Pick<PersonRow, 'id'>,
  claims: Claims,
  origin: RequestOrigin,
): Promise<void> {
  const { store } = context;
  const mappings = await listGroupMappings(store.read);
  if (mappings.length === 0) return;
  const memberships = new Map((await listMemberships(store.read, personId)).map((row) => [row.workspace_id, row]));
  for (const mapping of mappings) {
    const { workspaceId } = mapping;
    if (!needsChange(memberships.get(workspaceId), roleOfGroups(mapping, claims))) continue;
    // Read again for each mapping, because adding the first membership changes the person's last used workspace.
    const person = await findPerson(store.read, personId);
    if (person === undefined) return;
    const request = { ...systemRequestContext(workspaceId), origin };
    try {
      await store.transaction((trx) => applyMapping(context, trx, request, person, claims));
    } catch (error) {
      // A concurrent sign-in of the same person has already added the member.
      if (!isUniqueViolation(error)) throw error;
    }
  }
}
