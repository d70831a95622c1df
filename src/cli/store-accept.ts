import { openStore } from '../server/open-store.ts';
import { countUnreadable } from '../server/secret-rotation.ts';
import { readSettings } from '../settings.ts';
import { createSeal } from '../store/seal.ts';
import { Failure } from './failure.ts';
import { note, print } from './output.ts';

/** Accepts a loss that keeps the server from starting; stop every server first. */
export async function acceptLoss(options: { lostSecret?: true }): Promise<void> {
  if (options.lostSecret !== true) throw new Failure('Say what is lost: --lost-secret');
  const { store, secret, release } = await openStore(readSettings(process.env), { acceptLostSecret: true });
  try {
    const unreadable = await countUnreadable(store.read, createSeal([secret]));
    await print(`The secret that is set now is the store's own. Sealed values that are lost: ${unreadable}\n`);
    if (unreadable > 0) note('Set variables and second factors again; servers need new keys.');
  } finally {
    await store.close();
    release();
  }
}
