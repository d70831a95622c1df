import { Problem } from '../contract/problem.ts';
import { lockPerson, type PersonRow } from '../store/people.ts';
import { endSessionsAndPendingSignIns, sessionExists } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { listWorkspaceIds } from '../store/workspaces.ts';
import type { SignedInPerson } from './context.ts';

/**
 * Locks and returns the person of a session, so that a request that started before the session ended or the person was
 * disabled cannot change anything afterwards. Throws `invalid_token`.
 */
export async function lockSignedInPerson(trx: Trx, caller: SignedInPerson): Promise<PersonRow> {
  const person = await lockPerson(trx, caller.personId);
  if (person === undefined || person.disabled === 1 || !(await sessionExists(trx, person.id, caller.sessionId))) {
    throw new Problem('invalid_token', 'The session has ended. Sign in again.');
  }
  return person;
}

/** Ends all access of a person whose membership has just ended, if that was their last workspace. */
export async function endAccessWithLastWorkspace(trx: Trx, personId: string, now: number): Promise<void> {
  await lockPerson(trx, personId);
  const remaining = await listWorkspaceIds(trx, personId);
  if (remaining.length === 0) await endSessionsAndPendingSignIns(trx, personId, null, now);
}
