import { deleteStoredObject, findStoredObject, orphanedObjects } from '../../store/backups.ts';
import type { StoredObjectTable } from '../../store/schema/backups.ts';
import type { PlatformContext } from '../context.ts';
import { storageOf } from './storage.ts';

const MAX_OBJECTS_PER_SWEEP = 100;
/** The deletion of a backup waits at most this long for a bucket; milliseconds. */
const INLINE_SWEEP_TIMEOUT_MS = 10_000;

async function removeObject(context: PlatformContext, object: StoredObjectTable, signal?: AbortSignal): Promise<void> {
  const storage = storageOf(context.backupStorages, object.place);
  // It belongs to another node, which sweeps it.
  if (storage === undefined) return;
  await storage.remove(object.place, object.upload, signal);
  await context.store.transaction((trx) => deleteStoredObject(trx, object.workspace_id, object.id));
}

/** Removes the object of a backup that was deleted or has failed; one that cannot be removed now is swept later. */
export async function sweepObject(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  try {
    const object = await findStoredObject(context.store.read, workspaceId, id);
    if (object !== undefined) await removeObject(context, object, AbortSignal.timeout(INLINE_SWEEP_TIMEOUT_MS));
  } catch (error) {
    context.onError(error);
  }
}

/** Removes objects that no backup needs: those of deleted or failed backups, or of a deleted workspace. */
export async function sweepObjects(context: PlatformContext, signal: AbortSignal): Promise<void> {
  for (const { name } of context.backupStorages.all) {
    for (const object of await orphanedObjects(context.store.read, name, MAX_OBJECTS_PER_SWEEP)) {
      // A failed removal does not prevent the others.
      if (signal.aborted) return;
      await removeObject(context, object, signal).catch(context.onError);
    }
  }
}
