import { sql } from 'kysely';
import { createId, ID_PREFIXES } from '../contract/id.ts';
import { DAY } from '../contract/limits.ts';
import { deleteOldRightUsesAndRefusals } from './right-uses.ts';
import type { Trx } from './store.ts';
import { GUARD_SUFFIX_LENGTH } from './usage.ts';

const RETENTION_DAYS = 400;
const ADDRESS_RETENTION_MS = 90 * DAY;
/** A node resends a chunk at every flush until the chunk is stored, which never takes nearly this long. */
const CHUNK_NUMBER_RETENTION_MS = 30 * DAY;
/**
 * Chunk numbers of at least this value are epoch milliseconds. Smaller numbers are from earlier versions, which counted
 * from 1.
 */
const MIN_TIMESTAMP_NUMBER = 1e12;

/**
 * Deletes the numbers of chunks that cannot be sent again: old numbers, numbers of guards whose API key was deleted,
 * and numbers of old nodes of an earlier version that have no lease. Also deletes numbers more than a day in the
 * future.
 */
async function deleteOldChunkNumbers(trx: Trx, now: number): Promise<void> {
  const before = now - CHUNK_NUMBER_RETENTION_MS;
  await trx
    .deleteFrom('usage_flush')
    .where('number', '>=', MIN_TIMESTAMP_NUMBER)
    .where('number', '<', before)
    .execute();
  // The clock of the node was wrong, and no later chunk of the node would be accepted.
  await trx
    .deleteFrom('usage_flush')
    .where('number', '>', now + DAY)
    .execute();
  await sql`
    delete from usage_flush where node_id like '%.%' and not exists (
      select 1 from credential
      where credential.id = substr(usage_flush.node_id, 1, length(usage_flush.node_id) - ${GUARD_SUFFIX_LENGTH})
    )`.execute(trx);
  await trx
    .deleteFrom('usage_flush')
    .where('node_id', 'like', `${ID_PREFIXES.node}%`)
    .where('node_id', '<', createId('node', before))
    .where('number', '<', MIN_TIMESTAMP_NUMBER)
    .where('node_id', 'not in', trx.selectFrom('node').select('id'))
    .execute();
}

/**
 * Deletes use counts, addresses, uses of rights, refusals, reports and chunk numbers past their retention, and, for
 * each credential, all but the 100 most recently seen addresses and the uses of all but the most recently used apps.
 */
export async function deleteOldUses(trx: Trx, now: number): Promise<void> {
  await deleteOldChunkNumbers(trx, now);
  await deleteOldRightUsesAndRefusals(trx, now);
  await trx
    .deleteFrom('credential_day')
    .where('day', '<', Math.floor(now / DAY) - RETENTION_DAYS)
    .execute();
  await trx
    .deleteFrom('credential_address')
    .where('last_seen_at', '<', now - ADDRESS_RETENTION_MS)
    .execute();
  await trx
    .deleteFrom('credential_report')
    .where('last_used_at', '<', now - RETENTION_DAYS * DAY)
    .execute();
  await sql`
    delete from credential_address where (credential_id, address) in (
      select credential_id, address from (
        select credential_id, address,
          row_number() over (partition by credential_id order by last_seen_at desc) as rank
        from credential_address
      ) as ranked where rank > 100)`.execute(trx);
}
