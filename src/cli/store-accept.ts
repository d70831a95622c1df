import { openStore } from '../server/open-store.ts';
import { countUnreadable } from '../server/secret-rotation.ts';
import { readSettings } from '../server/settings.ts';
import { createSeal } from '../store/seal.ts';
import { Failure } from './failure.ts';
import { print, printNote } from './output.ts';

/** Accepts data loss that prevents the server from starting. All Devpilot nodes must be stopped. */
export async function acceptLoss(options: {
  lostSecret: true | undefined;
  lostChanges: true | undefined;
}): Promise<void> {
  const { lostSecret = false, lostChanges = false } = options;
  if (!lostSecret && !lostChanges) throw new Failure('Use --lost-secret, --lost-changes, or both.');
  const settings = readSettings(process.env);
  const { store, secret, release } = await openStore(settings, {
    acceptLostSecret: lostSecret,
    acceptLostChanges: lostChanges,
  });
  try {
    if (lostChanges) {
      await print('Accepted the database in its current state.\n');
      printNote(
        'Credentials whose deletion or change was lost are valid again in their earlier state. Delete or change them again.',
      );
    }
    if (!lostSecret) return;
    const unreadable = await countUnreadable(store.read, createSeal([secret]));
    const secretLabel = settings.secret === null ? 'secret in the data directory' : 'configured secret';
    await print(`The database now uses the ${secretLabel}. Encrypted values lost: ${unreadable}\n`);
    if (unreadable > 0) printNote('Set environment variables and second factors again; servers need new keys.');
  } finally {
    await store.close();
    release();
  }
}
