import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import { lockMember } from '../store/members.ts';
import { deletePerson, ownsAnyWorkspace } from '../store/operators.ts';
import { lockPerson } from '../store/people.ts';
import { endSessionsAndPendingSignIns } from '../store/person-access.ts';
import {
  memberPartyOf,
  type PeopleContext,
  personPartyOf,
  recordForPersonAndOperators,
  type SignedInPerson,
} from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { endMembership } from './members.ts';
import { refuseLastOperator } from './operators.ts';

/** Ends the caller's membership. Throws `conflict` for the owner, and `not_found`. */
export async function leaveWorkspace(context: PeopleContext, request: RequestContext, memberId: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const member = await lockMember(trx, workspaceId, memberId);
    if (member === undefined) throw new Problem('not_found');
    if (member.role === 'owner') {
      throw new Problem('conflict', 'You own this workspace. Transfer ownership or delete the workspace first.');
    }
    const invitationsEnded = await endMembership(context, trx, member);
    await recordAuditEvent(trx, request, 'member.left', memberPartyOf(member), context.clock(), {
      before: { email: member.email, role: member.role },
      invitationsEnded,
    });
  });
}

/**
 * Ends all sessions of a member and everything else that grants them access, in all of their workspaces. Throws
 * `not_found`, and `forbidden` if the member is the owner and the caller is not.
 */
export async function endMemberSessions(
  context: PeopleContext,
  request: RequestContext,
  memberId: string,
  isCallerOwner: boolean,
): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const member = await lockMember(trx, workspaceId, memberId);
    if (member === undefined) throw new Problem('not_found', 'The member was not found in this workspace.');
    if (member.role === 'owner' && !isCallerOwner) {
      throw new Problem('forbidden', "Only the owner can end the owner's sessions.");
    }
    await lockPerson(trx, member.person_id);
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, member.person_id, null, context.clock());
    await recordAuditEvent(trx, request, 'member.sessions_ended', memberPartyOf(member), context.clock(), {
      sessionsEnded,
    });
  });
}

/**
 * Deletes the account of a person who has reauthenticated. Resources that they created and their name in the activity
 * log remain. Throws `conflict` while they own a workspace or are the last operator, and `invalid_token`.
 */
export async function deleteAccount(
  context: PeopleContext,
  caller: SignedInPerson,
  origin: RequestOrigin,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    await refuseLastOperator(trx, caller.personId);
    const person = await lockSignedInPerson(trx, caller);
    if (await ownsAnyWorkspace(trx, person.id)) {
      throw new Problem('conflict', 'You own a workspace. Transfer its ownership or delete it first.');
    }
    const party = personPartyOf(person);
    await recordForPersonAndOperators(trx, person.id, {
      action: 'person.deleted',
      at: context.clock(),
      actor: party,
      target: party,
      origin,
      detail: {},
    });
    await deletePerson(trx, person.id);
  });
}
