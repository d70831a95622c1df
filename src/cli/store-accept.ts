import { openStore } from '../server/open-store.ts';
import { countUnreadable } from '../server/secret-rotation.ts';
import { readSettings } from '../server/settings.ts';
import { createSeal } from '../store/seal.ts';
import { Failure } from './failure.ts';
import { print, printNote } from './output.ts';

/** Accepts a loss that keeps the server from starting; stop every server first. */
export async function acceptLoss(options: { lostSecret?: true; lostChanges?: true }): Promise<void> {
  const { lostSecret = false, lostChanges = false } = options;
  if (!lostSecret && !lostChanges) throw new Failure('Say what is lost: --lost-secret, --lost-changes, or both');
  const { store, secret, release } = await openStore(readSettings(process.env), {
    acceptLostSecret: lostSecret,
    acceptLostChanges: lostChanges,
  });
  try {
    if (lostChanges) {
      await print('The store is taken as it is now.\n');
      printNote('What was deleted or changed in what is lost is accepted again as it was: delete it again.');
    }
    if (!lostSecret) return;
    const unreadable = await countUnreadable(store.read, createSeal([secret]));
    await print(`The secret that is set now is the store's own. Sealed values that are lost: ${unreadable}\n`);
    if (unreadable > 0) printNote('Set variables and second factors again; servers need new keys.');
  } finally {
    await store.close();
    release();
  }
}
