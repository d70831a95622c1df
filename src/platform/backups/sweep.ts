import { deleteStoredObject, findStoredObject, orphanedObjects } from '../../store/backups.ts';
import type { StoredObjectTable } from '../../store/schema.ts';
import type { PlatformContext } from '../context.ts';
import { storageOf } from './storage.ts';

const MAX_OBJECTS_PER_SWEEP = 100;
/** Who deletes a backup is not kept waiting for a bucket longer than this; milliseconds. */
const INLINE_SWEEP_TIMEOUT_MS = 10_000;

async function removeObject(context: PlatformContext, object: StoredObjectTable, signal?: AbortSignal): Promise<void> {
  const storage = storageOf(context.backupStorages, object.place);
  // Another node's: it sweeps there itself.
  if (storage === undefined) return;
  await storage.remove(object.place, object.upload, signal);
  await context.store.transaction((trx) => deleteStoredObject(trx, object.workspace_id, object.id));
}

/** Removes what is stored of a backup that is gone or has failed; what can't be removed now is swept later. */
export async function sweepObject(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  try {
    const object = await findStoredObject(context.store.read, workspaceId, id);
    if (object !== undefined) await removeObject(context, object, AbortSignal.timeout(INLINE_SWEEP_TIMEOUT_MS));
  } catch (error) {
    context.onError(error);
  }
}

/** Removes what no backup needs: those deleted or failed, or of a workspace that is gone. */
export async function sweepObjects(context: PlatformContext, signal: AbortSignal): Promise<void> {
  for (const { name } of context.backupStorages.all) {
    for (const object of await orphanedObjects(context.store.read, name, MAX_OBJECTS_PER_SWEEP)) {
      // One that can't be removed does not keep the others from it.
      if (signal.aborted) return;
      await removeObject(context, object, signal).catch(context.onError);
    }
  }
}
