import { deleteStoredObject, findStoredObject, listOrphanedObjects } from '../../store/backups.ts';
import type { StoredObjectTable } from '../../store/schema/backups.ts';
import type { PlatformContext } from '../context.ts';
import { storageOf } from './storage.ts';

const MAX_OBJECTS_PER_SWEEP = 100;
/** Maximum time that `sweepObject` waits for the bucket. */
const INLINE_SWEEP_TIMEOUT_MS = 10_000;

async function removeObject(context: PlatformContext, object: StoredObjectTable, signal?: AbortSignal): Promise<void> {
  const storage = storageOf(context.backupStorages, object.place);
  // A node that can use the storage of the object removes it.
  if (storage === undefined) return;
  await storage.remove(object.place, object.upload, signal);
  await context.store.transaction((trx) => deleteStoredObject(trx, object.workspace_id, object.id));
}

/** Removes the object of a deleted or failed backup. If that fails, `sweepObjects` removes it later. */
export async function sweepObject(context: PlatformContext, workspaceId: string, id: string): Promise<void> {
  try {
    const object = await findStoredObject(context.store.read, workspaceId, id);
    if (object !== undefined) await removeObject(context, object, AbortSignal.timeout(INLINE_SWEEP_TIMEOUT_MS));
  } catch (error) {
    context.onError(error);
  }
}

/** Removes the objects of deleted or failed backups and of deleted workspaces. */
export async function sweepObjects(context: PlatformContext, signal: AbortSignal): Promise<void> {
  for (const { name } of context.backupStorages.reachable) {
    for (const object of await listOrphanedObjects(context.store.read, name, MAX_OBJECTS_PER_SWEEP)) {
      if (signal.aborted) return;
      // A removal that fails does not prevent the removal of other objects.
      await removeObject(context, object, signal).catch(context.onError);
    }
  }
}
