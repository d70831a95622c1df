import { append } from '../audit/log.ts';
import type { Origin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { Problem } from '../contract/problem.ts';
import type { CreatedInvitation, Invitation, Page, Workspace } from '../contract/schemas.ts';
import { type GivenRole, SPANS } from '../contract/words.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import { setLastWorkspace } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import {
  deleteInvitation as deleteRow,
  findInvitation,
  findMemberByEmail,
  findWorkspace,
  findWorkspaceById,
  type InvitationRow,
  insertMember,
  listInvitations as listRows,
  replaceInvitation,
} from '../store/workspaces.ts';
import { lockSignedIn } from './access.ts';
import {
  claimOnce,
  emailKey,
  instant,
  type MemberAsker,
  type PeopleContext,
  partyOf,
  randomCode,
  type SignedIn,
  sha256,
} from './context.ts';
import { lockAdminAsker } from './members.ts';
import { showWorkspace } from './workspaces.ts';

function showInvitation(row: InvitationRow): Invitation {
  const { id, email, role, created_by, creator_name, creator_email } = row;
  return {
    id,
    email,
    role,
    createdAt: instant(row.created_at),
    createdBy:
      creator_name === null || creator_email === null
        ? null
        : { id: created_by, name: creator_name, email: creator_email },
    expiresAt: instant(row.expires_at),
  };
}

/**
 * Invites by a link, which also goes out by mail if a server is set. An earlier invitation of the same
 * address ends. Throws `conflict` for who is a member already, `idempotent_replay`.
 */
export async function createInvitation(
  context: PeopleContext,
  asker: MemberAsker & { readonly person: { readonly email: string } },
  input: { email: string; role: GivenRole },
): Promise<CreatedInvitation> {
  const now = context.clock();
  const { workspaceId, person, origin } = asker;
  const code = randomCode(32);
  const url = `${context.publicUrl()}/accept-invitation#${code}`;
  const row = {
    id: createId('invitation', now),
    workspace_id: workspaceId,
    email: input.email,
    email_key: emailKey(input.email),
    role: input.role,
    digest: sha256(code),
    created_by: person.id,
    created_at: now,
    expires_at: now + SPANS.invitation,
  };
  const workspace = await context.store.transaction(async (trx) => {
    await lockAdminAsker(trx, asker);
    await claimOnce(trx, asker.claim ?? null, row.id, now);
    if ((await findMemberByEmail(trx, workspaceId, row.email_key)) !== undefined) {
      throw new Problem('conflict', 'This person is a member already.');
    }
    await replaceInvitation(trx, row);
    await append(trx, {
      workspaceId,
      action: 'invitation.created',
      at: now,
      actor: partyOf(person),
      target: { kind: 'invitation', id: row.id, name: row.email },
      credential: null,
      origin,
      detail: { after: { email: row.email, role: row.role } },
    });
    return findWorkspaceById(trx, workspaceId);
  });
  const mailed = await mailInvitation(context, input.email, workspace?.name ?? '', person.name, url);
  return {
    ...showInvitation({ ...row, creator_name: person.name, creator_email: person.email }),
    code,
    url,
    mailed,
  };
}

async function mailInvitation(
  context: PeopleContext,
  to: string,
  workspace: string,
  by: string,
  url: string,
): Promise<boolean> {
  if (context.mail === null) return false;
  const text = `${by} invites you to the Devpilot workspace ${workspace}.\n\nAccept within seven days:\n${url}\n`;
  try {
    await context.mail.send({ to, subject: `Invitation to ${workspace}`, text });
    return true;
  } catch {
    // The link is in the answer; `mailed: false` tells the inviter to pass it on by hand.
    return false;
  }
}

export async function listInvitations(
  context: PeopleContext,
  workspaceId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Invitation>> {
  const page = pageAsk(query, '-createdAt', 'number');
  const rows = await listRows(context.store.read, workspaceId, context.clock(), page);
  return cutPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), showInvitation);
}

/** Throws `not_found`. */
export async function deleteInvitation(context: PeopleContext, asker: MemberAsker, id: string): Promise<void> {
  const { workspaceId, person, origin } = asker;
  await context.store.transaction(async (trx) => {
    const deleted = await deleteRow(trx, workspaceId, id);
    if (deleted === undefined) throw new Problem('not_found', 'There is no such invitation in this workspace.');
    await append(trx, {
      workspaceId,
      action: 'invitation.deleted',
      at: context.clock(),
      actor: partyOf(person),
      target: { kind: 'invitation', id, name: deleted.email },
      credential: null,
      origin,
      detail: {},
    });
  });
}

/** Uses an invitation up inside a transaction: the person becomes a member. Throws `not_found`, `forbidden`, `conflict`. */
export async function acceptInside(
  trx: Trx,
  person: { readonly id: string; readonly name: string; readonly email_key: string },
  code: string,
  origin: Origin,
  now: number,
): Promise<string> {
  const invitation = await findInvitation(trx, sha256(code), now);
  if (invitation === undefined) {
    throw new Problem('not_found', 'The invitation is not valid any more. Ask for a new one.');
  }
  if (invitation.email_key !== person.email_key) {
    throw new Problem('forbidden', 'The invitation is for another email address.');
  }
  const workspaceId = invitation.workspace_id;
  if ((await findMemberByEmail(trx, workspaceId, person.email_key)) !== undefined) {
    throw new Problem('conflict', 'You are a member of this workspace already.');
  }
  if ((await deleteRow(trx, workspaceId, invitation.id)) === undefined) {
    throw new Problem('not_found', 'The invitation is not valid any more. Ask for a new one.');
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
  await append(trx, {
    workspaceId,
    action: 'member.created',
    at: now,
    actor: partyOf(person),
    target: { kind: 'member', id, name: person.name },
    credential: null,
    origin,
    detail: { after: { email: invitation.email, role: invitation.role }, invitation: invitation.id },
  });
  return workspaceId;
}

/** Accepts an invitation as a signed-in person; needs the invited address. Throws `invalid_token` and as `acceptInside`. */
export async function acceptInvitation(
  context: PeopleContext,
  who: SignedIn,
  code: string,
  origin: Origin,
): Promise<Workspace> {
  return context.store.transaction(async (trx) => {
    const person = await lockSignedIn(trx, who);
    const workspaceId = await acceptInside(trx, person, code, origin, context.clock());
    const workspace = await findWorkspace(trx, who.personId, workspaceId);
    if (workspace === undefined) throw new Problem('internal');
    return showWorkspace(workspace);
  });
}
