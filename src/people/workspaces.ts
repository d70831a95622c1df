import { append, SYSTEM_LOG } from '../audit/log.ts';
import type { Origin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import type { Claim } from '../contract/idempotency.ts';
import { Problem } from '../contract/problem.ts';
import type { Page, Workspace } from '../contract/schemas.ts';
import { slugOf } from '../contract/slug.ts';
import { insertRevocation } from '../store/credentials.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import { findPerson, type PersonRow, setLastWorkspace } from '../store/people.ts';
import { checkOwnedWorkspaces } from '../store/quotas.ts';
import type { WorkspaceTable } from '../store/schema.ts';
import { refuseTakenSlug, untilSlugIsFree } from '../store/slugs.ts';
import type { Trx } from '../store/store.ts';
import {
  deleteWorkspace as deleteRow,
  findWorkspace,
  insertMember,
  insertWorkspace,
  listWorkspaces as listRows,
  lockMember,
  lockOwner,
  slugTaken,
  updateMemberRole,
  updateWorkspace as updateRow,
  type WorkspaceRow,
} from '../store/workspaces.ts';
import { endAccessWithLastWorkspace, lockSignedIn } from './access.ts';
import {
  claimOnce,
  instant,
  type MemberAsker,
  type PeopleContext,
  partyOf,
  randomCode,
  type SignedIn,
} from './context.ts';

export function showWorkspace(row: WorkspaceRow): Workspace {
  const { id, name, slug, role } = row;
  return { id, name, slug, role, createdAt: instant(row.created_at), updatedAt: instant(row.updated_at) };
}

async function freeSlug(trx: Trx, wanted: { name: string; slug?: string | undefined }): Promise<string> {
  if (wanted.slug !== undefined) return wanted.slug;
  const slug = slugOf(wanted.name, 'workspace');
  return (await slugTaken(trx, slug)) ? `${slug}-${randomCode(6, 'abcdefghijkmnpqrstuvwxyz23456789')}` : slug;
}

/** Makes a workspace and its owner inside a transaction. */
export async function createInside(
  trx: Trx,
  person: { readonly id: string; readonly name: string },
  input: { name: string; slug?: string | undefined },
  origin: Origin,
  now: number,
  id = createId('workspace', now),
): Promise<WorkspaceTable> {
  const row = {
    id,
    name: input.name,
    slug: await freeSlug(trx, input),
    created_at: now,
    updated_at: now,
  };
  await refuseTakenSlug(() => insertWorkspace(trx, row));
  await insertMember(trx, {
    id: createId('member', now),
    workspace_id: row.id,
    person_id: person.id,
    role: 'owner',
    created_at: now,
  });
  await append(trx, {
    workspaceId: row.id,
    action: 'workspace.created',
    at: now,
    actor: partyOf(person),
    target: { kind: 'workspace', id: row.id, name: row.name },
    credential: null,
    origin,
    detail: { after: { name: row.name, slug: row.slug } },
  });
  return row;
}

/** Whether a person may create workspaces on an installation with this setting. */
export function mayCreateWorkspaces(
  workspaces: PeopleContext['workspaces'],
  person: Pick<PersonRow, 'operator' | 'disabled'>,
): boolean {
  return person.disabled === 0 && (workspaces === 'anyone' || person.operator === 1);
}

/**
 * Creates a workspace; its maker becomes owner. Throws `forbidden` where only operators may,
 * `conflict` for a taken slug, `idempotent_replay`, `invalid_token`.
 */
export async function createWorkspace(
  context: PeopleContext,
  who: SignedIn,
  input: { name: string; slug?: string | undefined },
  origin: Origin,
  claim: Claim | null,
): Promise<Workspace> {
  const now = context.clock();
  const create = async (trx: Trx) => {
    if (!mayCreateWorkspaces(context.workspaces, await lockSignedIn(trx, who))) {
      throw new Problem('forbidden', 'Only operators create workspaces on this server. Ask one of them.');
    }
    const id = createId('workspace', now);
    await claimOnce(trx, claim, id, now);
    await checkOwnedWorkspaces(trx, who.personId, now);
    const row = await createInside(trx, { id: who.personId, name: who.name }, input, origin, now, id);
    await setLastWorkspace(trx, who.personId, row.id);
    return showWorkspace({ ...row, role: 'owner' });
  };
  return untilSlugIsFree(input, () => context.store.transaction(create));
}

export async function listWorkspaces(
  context: PeopleContext,
  who: SignedIn,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Workspace>> {
  const page = pageAsk(query, 'createdAt', 'number');
  const rows = await listRows(context.store.read, who.personId, page);
  return cutPage(rows, page.limit, 'createdAt', (row) => ({ value: row.created_at, id: row.id }), showWorkspace);
}

/** Throws `conflict` for a taken slug. */
export async function updateWorkspace(
  context: PeopleContext,
  asker: MemberAsker,
  input: { name?: string | undefined; slug?: string | undefined },
): Promise<Workspace> {
  const now = context.clock();
  const { workspaceId, person, origin } = asker;
  return context.store.transaction(async (trx) => {
    const before = await findWorkspace(trx, person.id, workspaceId);
    if (before === undefined) throw new Problem('not_found');
    const fields = (['name', 'slug'] as const).filter(
      (field) => input[field] !== undefined && input[field] !== before[field],
    );
    if (fields.length === 0) return showWorkspace(before);
    await refuseTakenSlug(() => updateRow(trx, workspaceId, { ...input, updated_at: now }));
    const after = { ...before, name: input.name ?? before.name, slug: input.slug ?? before.slug, updated_at: now };
    const pick = (row: WorkspaceTable) => Object.fromEntries(fields.map((field) => [field, row[field]]));
    await append(trx, {
      workspaceId,
      action: 'workspace.updated',
      at: now,
      actor: partyOf(person),
      target: { kind: 'workspace', id: workspaceId, name: after.name },
      credential: null,
      origin,
      detail: { before: pick(before), after: pick(after) },
    });
    return showWorkspace(after);
  });
}

/**
 * Ends a workspace with all that belongs to it. When this resolves, no node accepts its credentials. Members whose last
 * workspace it was lose all access; the owner who deletes it stays signed in. Its log stays with the operator, and the
 * system's log says what was deleted.
 */
export async function deleteWorkspace(context: PeopleContext, asker: MemberAsker, name: string): Promise<void> {
  const now = context.clock();
  const { workspaceId, person, origin } = asker;
  const revocation = await context.store.transaction(async (trx) => {
    for (const log of [workspaceId, SYSTEM_LOG].sort()) {
      await append(trx, {
        workspaceId: log,
        action: 'workspace.deleted',
        at: now,
        actor: partyOf(person),
        target: { kind: 'workspace', id: workspaceId, name },
        credential: null,
        origin,
        detail: {},
      });
    }
    for (const personId of await deleteRow(trx, workspaceId)) {
      if (personId !== person.id) await endAccessWithLastWorkspace(trx, personId, now);
    }
    return { ...(await insertRevocation(trx, workspaceId, null, now)), workspaceId, digest: null };
  });
  await context.settle(revocation);
}

/**
 * Throws `forbidden` where ownership would pass from somebody else to an operator: it would give the admins of the
 * workspace, the previous owner among them, servers on this machine, without the operator's consent.
 */
async function refuseNewOperatorOwner(trx: Trx, ownerId: string, heirId: string): Promise<void> {
  const [owner, heir] = [await findPerson(trx, ownerId), await findPerson(trx, heirId)];
  if (heir?.operator !== 1 || owner?.operator === 1) return;
  throw new Problem(
    'forbidden',
    'Only an operator can hand over ownership to an operator: the workspace could then run commands on this server.',
  );
}

/** Hands ownership over; the previous owner becomes an admin. Throws `not_found`, `forbidden`, `conflict`, `quota_exceeded`. */
export async function handOverOwnership(
  context: PeopleContext,
  asker: MemberAsker,
  memberId: string,
): Promise<Workspace> {
  const now = context.clock();
  const { workspaceId, person, origin } = asker;
  return context.store.transaction(async (trx) => {
    const owner = await lockOwner(trx, workspaceId);
    const heir = await lockMember(trx, workspaceId, memberId);
    if (owner === undefined || heir === undefined) throw new Problem('not_found', 'There is no such member.');
    if (owner.person_id !== person.id) throw new Problem('forbidden', 'Only the owner can hand over ownership.');
    if (owner.id === heir.id) throw new Problem('conflict', 'This member is the owner already.');
    await refuseNewOperatorOwner(trx, owner.person_id, heir.person_id);
    await checkOwnedWorkspaces(trx, heir.person_id, now);
    await updateMemberRole(trx, workspaceId, owner.id, 'admin');
    await updateMemberRole(trx, workspaceId, heir.id, 'owner');
    await append(trx, {
      workspaceId,
      action: 'workspace.owner_changed',
      at: now,
      actor: partyOf(person),
      target: { kind: 'member', id: heir.id, name: heir.name },
      credential: null,
      origin,
      detail: { before: { owner: owner.email }, after: { owner: heir.email } },
    });
    const after = await findWorkspace(trx, person.id, workspaceId);
    if (after === undefined) throw new Problem('not_found');
    return showWorkspace(after);
  });
}
