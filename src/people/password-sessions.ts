import { deletePasswordSessions } from '../store/identities.ts';
import { deleteAnsweredDeviceCodes } from '../store/person-access.ts';
import { type PeopleContext, recordSessionEnded } from './context.ts';

/** Maximum number of sessions per transaction, so that other writes do not wait long. */
const BATCH_SIZE = 100;

/**
 * While passwords are off, ends all sessions that were started with a password or a passkey, and the sessions of
 * devices that were approved in them. Otherwise these sessions would work again after passwords are turned back on.
 */
export async function endDisallowedPasswordSessions(context: PeopleContext): Promise<void> {
  if (context.passwords === 'on') return;
  const origin = { address: null, userAgent: null, requestId: null };
  const endBatch = () =>
    context.store.transaction(async (trx) => {
      const ended = await deletePasswordSessions(trx, BATCH_SIZE);
      for (const { id, person_id: personId } of ended) {
        await deleteAnsweredDeviceCodes(trx, personId);
        await recordSessionEnded(trx, { sessionId: id, personId }, 'passwords_off', origin, context.clock());
      }
      return ended.length;
    });
  while ((await endBatch()) === BATCH_SIZE);
}
