import type { Role } from '../contract/vocabulary.ts';
import { deleteSessions } from './people.ts';
import type { Trx } from './store.ts';

/**
 * Deletes a person's sessions other than `exceptSessionId`, and what could start another session or change
 * how the person signs in: answered device codes, password reset codes, pending passkey challenges and an unconfirmed
 * TOTP setup. Afterwards, the person cannot approve device codes that were created at or before `now`. Returns the
 * number of deleted sessions.
 */
export async function endSessionsAndPendingSignIns(
  trx: Trx,
  personId: string,
  exceptSessionId: string | null,
  now: number,
): Promise<number> {
  await trx.updateTable('person').set({ access_ended_at: now }).where('id', '=', personId).execute();
  await trx
    .updateTable('person')
    .set({ totp_sealed: null })
    .where('id', '=', personId)
    .where('totp_enabled', '=', 0)
    .execute();
  for (const table of ['device_code', 'password_reset', 'passkey_challenge'] as const) {
    await trx.deleteFrom(table).where('person_id', '=', personId).execute();
  }
  return (await deleteSessions(trx, personId, null, exceptSessionId)).length;
}

/** Deletes the device codes that a person has approved or denied. */
export async function deleteAnsweredDeviceCodes(trx: Trx, personId: string): Promise<void> {
  await trx.deleteFrom('device_code').where('person_id', '=', personId).execute();
}

/** Returns whether a session still exists. Called in the transaction that depends on it. */
export async function sessionExists(trx: Trx, personId: string, sessionId: string): Promise<boolean> {
  const row = await trx
    .selectFrom('session')
    .select('id')
    .where('id', '=', sessionId)
    .where('person_id', '=', personId)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Deletes the invitations that a person has sent, in one workspace or, with null, in all of them. Returns their number.
 */
export async function deleteSentInvitations(trx: Trx, personId: string, workspaceId: string | null): Promise<number> {
  let query = trx.deleteFrom('invitation').where('created_by', '=', personId);
  if (workspaceId !== null) query = query.where('workspace_id', '=', workspaceId);
  return Number((await query.executeTakeFirst()).numDeletedRows);
}

/** Returns a person's role in a workspace, or undefined if they are not a member or are disabled. */
export async function findRole(trx: Trx, workspaceId: string, personId: string): Promise<Role | undefined> {
  const row = await trx
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .select('member.role')
    .where('member.workspace_id', '=', workspaceId)
    .where('member.person_id', '=', personId)
    .where('person.disabled', '=', 0)
    .executeTakeFirst();
  return row?.role as Role | undefined;
}
