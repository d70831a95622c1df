import type { DeviceCodeTable } from './schema/people.ts';
import type { Queryable, Trx } from './store.ts';

export async function insertDeviceCode(trx: Trx, row: DeviceCodeTable): Promise<void> {
  await trx.insertInto('device_code').values(row).execute();
}

export async function findDeviceCode(
  db: Queryable,
  by: { digest: Uint8Array } | { userCode: string },
): Promise<DeviceCodeTable | undefined> {
  const query = db.selectFrom('device_code').selectAll();
  return 'digest' in by
    ? query.where('device_digest', '=', by.digest).executeTakeFirst()
    : query.where('user_code', '=', by.userCode).executeTakeFirst();
}

/** Approves or denies a pending code on behalf of a session; returns true for exactly one caller. */
export async function answerDeviceCode(
  trx: Trx,
  id: string,
  { personId, sessionId }: { readonly personId: string; readonly sessionId: string },
  status: 'approved' | 'denied',
): Promise<boolean> {
  const result = await trx
    .updateTable('device_code')
    .set({ status, person_id: personId, session_id: sessionId })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function recordPoll(trx: Trx, id: string, polledAt: number): Promise<void> {
  await trx.updateTable('device_code').set({ last_polled_at: polledAt }).where('id', '=', id).execute();
}

/** Deletes a device code; returns true for exactly one caller. */
export async function deleteDeviceCode(trx: Trx, id: string): Promise<boolean> {
  const result = await trx.deleteFrom('device_code').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteExpiredDeviceCodes(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('device_code').where('expires_at', '<=', now).execute();
}
