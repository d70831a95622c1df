import { Problem } from '../contract/problem.ts';
import { sessionExists } from '../store/access.ts';
import { lockPerson, type PersonRow } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import type { SignedIn } from './context.ts';

/**
 * The person behind a session, locked until the transaction ends. A request that began before the session ended
 * or the person was disabled changes nothing afterwards. Throws `invalid_token`.
 */
export async function lockSignedIn(trx: Trx, who: SignedIn): Promise<PersonRow> {
  const person = await lockPerson(trx, who.personId);
  if (person === undefined || person.disabled === 1 || !(await sessionExists(trx, person.id, who.sessionId))) {
    throw new Problem('invalid_token', 'The session has ended. Sign in again.');
  }
  return person;
}
