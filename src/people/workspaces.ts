import { appendAuditEvent, SYSTEM_LOG } from '../audit/log.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import type { IdempotencyClaim } from '../contract/idempotency.ts';
import { toIsoString } from '../contract/instant.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { slugOf } from '../contract/slug.ts';
import type { GroupRoles, UpdateWorkspace, Workspace } from '../contract/workspaces.ts';
import { insertRevocation } from '../store/credentials.ts';
import { replaceGroupMapping } from '../store/group-roles.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { insertMember, lockMember, lockOwner, lockRole, updateMemberRole } from '../store/members.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import { findPerson, type PersonRow, setLastWorkspace } from '../store/people.ts';
import { checkOwnedWorkspaces } from '../store/quotas.ts';
import type { WorkspaceTable } from '../store/schema/workspaces.ts';
import { retryOnTakenSlug, throwOnTakenSlug } from '../store/slugs.ts';
import type { Trx } from '../store/store.ts';
import {
  deleteWorkspace as deleteRow,
  findWorkspace,
  insertWorkspace,
  isWorkspaceSlugTaken,
  listWorkspaces as listRows,
  updateWorkspace as updateRow,
  type WorkspaceRow,
} from '../store/workspaces.ts';
import {
  actingPersonId,
  memberPartyOf,
  type PeopleContext,
  personPartyOf,
  randomCode,
  type SignedInPerson,
} from './context.ts';
import { endAccessWithLastWorkspace, lockSignedInPerson } from './lock-session.ts';

function groupRolesOf({ sso_claim: claim, sso_roles: roles }: WorkspaceRow): GroupRoles | null {
  return claim === null || roles === null ? null : { claim, roles: JSON.parse(roles) as GroupRoles['roles'] };
}

export function serializeWorkspace(row: WorkspaceRow): Workspace {
  const { id, name, slug, role } = row;
  const sso = role === 'member' ? null : groupRolesOf(row);
  return { id, name, slug, role, sso, createdAt: toIsoString(row.created_at), updatedAt: toIsoString(row.updated_at) };
}

async function chooseSlug(trx: Trx, input: { name: string; slug?: string | undefined }): Promise<string> {
  if (input.slug !== undefined) return input.slug;
  const slug = slugOf(input.name, 'workspace');
  return (await isWorkspaceSlugTaken(trx, slug))
    ? `${slug}-${randomCode(6, 'abcdefghijkmnpqrstuvwxyz23456789')}`
    : slug;
}

/** Creates a workspace that `person` owns, inside a transaction. Throws `conflict` for a taken slug. */
export async function createWorkspaceInTransaction(
  trx: Trx,
  person: { readonly id: string; readonly name: string },
  input: { name: string; slug?: string | undefined },
  origin: RequestOrigin,
  now: number,
  id = createId('workspace', now),
): Promise<WorkspaceTable> {
  const row = {
    id,
    name: input.name,
    slug: await chooseSlug(trx, input),
    created_at: now,
    updated_at: now,
  };
  await throwOnTakenSlug(() => insertWorkspace(trx, row));
  await insertMember(trx, {
    id: createId('member', now),
    workspace_id: row.id,
    person_id: person.id,
    role: 'owner',
    created_at: now,
  });
  await appendAuditEvent(trx, {
    workspaceId: row.id,
    action: 'workspace.created',
    at: now,
    actor: personPartyOf(person),
    target: { kind: 'workspace', id: row.id, name: row.name },
    credential: null,
    origin,
    detail: { after: { name: row.name, slug: row.slug } },
  });
  return row;
}

/** Whether a person may create workspaces. `workspaces` is the setting `DEVPILOT_WORKSPACES`. */
export function mayCreateWorkspaces(
  workspaces: PeopleContext['workspaces'],
  person: Pick<PersonRow, 'operator' | 'disabled'>,
): boolean {
  return person.disabled === 0 && (workspaces === 'anyone' || person.operator === 1);
}

/**
 * Creates a workspace, whose creator becomes the owner. Throws `forbidden` if only operators may create workspaces,
 * `conflict` for a taken slug, `quota_exceeded`, `idempotent_replay` for a repeated request, and `invalid_token`.
 */
export async function createWorkspace(
  context: PeopleContext,
  caller: SignedInPerson,
  input: { name: string; slug?: string | undefined },
  origin: RequestOrigin,
  idempotencyClaim: IdempotencyClaim | null,
): Promise<Workspace> {
  const now = context.clock();
  const create = async (trx: Trx) => {
    if (!mayCreateWorkspaces(context.workspaces, await lockSignedInPerson(trx, caller))) {
      throw new Problem('forbidden', 'Only operators can create workspaces on this server. Ask one of them.');
    }
    const id = createId('workspace', now);
    await claimOrRefuseReplay(trx, idempotencyClaim, id, now);
    await checkOwnedWorkspaces(trx, caller.personId, now);
    const row = await createWorkspaceInTransaction(
      trx,
      { id: caller.personId, name: caller.name },
      input,
      origin,
      now,
      id,
    );
    await setLastWorkspace(trx, caller.personId, row.id);
    return serializeWorkspace({ ...row, role: 'owner', sso_claim: null, sso_roles: null });
  };
  return retryOnTakenSlug(input, () => context.store.transaction(create));
}

export async function listWorkspaces(
  context: PeopleContext,
  caller: SignedInPerson,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Workspace>> {
  const page = readPageRequest(query, 'createdAt', 'number');
  const rows = await listRows(context.store.read, caller.personId, page);
  return toPage(rows, page.limit, 'createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeWorkspace);
}

/**
 * Replaces the mapping from groups to roles. Throws `forbidden` for anyone but the owner, and `conflict` if single
 * sign-on is not set up.
 */
async function updateGroupRoles(
  context: PeopleContext,
  trx: Trx,
  request: RequestContext,
  sso: GroupRoles | null,
): Promise<void> {
  const { workspaceId } = request;
  if ((await lockRole(trx, workspaceId, actingPersonId(request))) !== 'owner') {
    throw new Problem('forbidden', 'Only the owner can change which groups grant a role.');
  }
  if (sso !== null && context.singleSignOn === null) {
    throw new Problem('conflict', 'Single sign-on is not set up on this server.');
  }
  await replaceGroupMapping(trx, workspaceId, sso);
}

/** Updates a workspace. Throws `not_found`, `conflict` for a taken slug, and the errors of `updateGroupRoles`. */
export async function updateWorkspace(
  context: PeopleContext,
  request: RequestContext,
  input: UpdateWorkspace,
): Promise<Workspace> {
  const now = context.clock();
  const { workspaceId } = request;
  const actor = actingPersonId(request);
  return context.store.transaction(async (trx) => {
    const before = await findWorkspace(trx, actor, workspaceId);
    if (before === undefined) throw new Problem('not_found');
    const { sso, ...columns } = input;
    const valuesBefore = { name: before.name, slug: before.slug, sso: groupRolesOf(before) };
    const fields = (['name', 'slug', 'sso'] as const).filter(
      (field) => input[field] !== undefined && JSON.stringify(input[field]) !== JSON.stringify(valuesBefore[field]),
    );
    if (fields.length === 0) return serializeWorkspace(before);
    if (sso !== undefined) await updateGroupRoles(context, trx, request, sso);
    await throwOnTakenSlug(() => updateRow(trx, workspaceId, { ...columns, updated_at: now }));
    const after = await findWorkspace(trx, actor, workspaceId);
    if (after === undefined) throw new Problem('not_found');
    const valuesAfter = { name: after.name, slug: after.slug, sso: groupRolesOf(after) };
    const pick = (values: typeof valuesBefore) => Object.fromEntries(fields.map((field) => [field, values[field]]));
    const target = { kind: 'workspace', id: workspaceId, name: after.name } as const;
    const detail = { before: pick(valuesBefore), after: pick(valuesAfter) };
    await recordAuditEvent(trx, request, 'workspace.updated', target, now, detail);
    return serializeWorkspace(after);
  });
}

/**
 * Deletes a workspace with everything in it. When this resolves, no node accepts its credentials. Members without
 * another workspace lose all access, except that the owner who deletes the workspace stays signed in. The activity log
 * of the workspace is kept for operators, and the system log records the deletion. `name` is the workspace's name for
 * these records.
 */
export async function deleteWorkspace(context: PeopleContext, request: RequestContext, name: string): Promise<void> {
  const now = context.clock();
  const { workspaceId } = request;
  const revocation = await context.store.transaction(async (trx) => {
    const target = { kind: 'workspace', id: workspaceId, name } as const;
    // Sorted, so that concurrent transactions lock the logs in the same order.
    for (const log of [workspaceId, SYSTEM_LOG].sort()) {
      await recordAuditEvent(trx, { ...request, workspaceId: log }, 'workspace.deleted', target, now, {});
    }
    for (const personId of await deleteRow(trx, workspaceId)) {
      if (personId !== request.actor.id) await endAccessWithLastWorkspace(trx, personId, now);
    }
    return { ...(await insertRevocation(trx, workspaceId, null, now)), workspaceId, digest: null };
  });
  await context.waitForConfirmation(revocation);
}

/**
 * Throws `forbidden` if an owner who is not an operator transfers ownership to an operator, because the admins of the
 * workspace, including the previous owner, could then run commands on the machine that runs Devpilot without the
 * operator's consent.
 */
async function refuseTransferToOperator(trx: Trx, ownerId: string, newOwnerId: string): Promise<void> {
  const owner = await findPerson(trx, ownerId);
  const newOwner = await findPerson(trx, newOwnerId);
  if (newOwner?.operator !== 1 || owner?.operator === 1) return;
  throw new Problem(
    'forbidden',
    'Only an operator can transfer ownership to an operator, because the workspace could then run commands on the machine that runs Devpilot.',
  );
}

/**
 * Transfers ownership of the workspace. The previous owner becomes an admin. Throws `not_found`, `forbidden`,
 * `conflict` and `quota_exceeded`.
 */
export async function transferOwnership(
  context: PeopleContext,
  request: RequestContext,
  memberId: string,
): Promise<Workspace> {
  const now = context.clock();
  const { workspaceId } = request;
  return context.store.transaction(async (trx) => {
    const owner = await lockOwner(trx, workspaceId);
    const newOwner = await lockMember(trx, workspaceId, memberId);
    if (owner === undefined || newOwner === undefined) throw new Problem('not_found', 'The member was not found.');
    if (owner.person_id !== request.actor.id) throw new Problem('forbidden', 'Only the owner can transfer ownership.');
    if (owner.id === newOwner.id) throw new Problem('conflict', 'This member is already the owner.');
    await refuseTransferToOperator(trx, owner.person_id, newOwner.person_id);
    await checkOwnedWorkspaces(trx, newOwner.person_id, now);
    await updateMemberRole(trx, workspaceId, owner.id, 'admin');
    await updateMemberRole(trx, workspaceId, newOwner.id, 'owner');
    await recordAuditEvent(trx, request, 'workspace.owner_changed', memberPartyOf(newOwner), now, {
      before: { owner: owner.email },
      after: { owner: newOwner.email },
    });
    const after = await findWorkspace(trx, actingPersonId(request), workspaceId);
    if (after === undefined) throw new Problem('not_found');
    return serializeWorkspace(after);
  });
}
