import { deleteStoredObject, findStoredObject, orphanedObjects } from '../../store/backups.ts';
import type { StoredObjectTable } from '../../store/schema.ts';
import type { WorkspaceContext } from '../context.ts';
import { storageOf } from './storage.ts';

const AT_ONCE = 100;
/** Who deletes a backup is not kept waiting for a bucket longer than this; milliseconds. */
const SOON = 10_000;

async function remove(context: WorkspaceContext, object: StoredObjectTable, signal?: AbortSignal): Promise<void> {
  const storage = storageOf(context.storages, object.place);
  // Another node's: it sweeps there itself.
  if (storage === undefined) return;
  await storage.remove(object.place, object.upload, signal);
  await context.store.transaction((trx) => deleteStoredObject(trx, object.workspace_id, object.id));
}

/** Removes what is stored of a backup that is gone or has failed; what can't be removed now is swept later. */
export async function sweepObject(context: WorkspaceContext, workspaceId: string, id: string): Promise<void> {
  try {
    const object = await findStoredObject(context.store.read, workspaceId, id);
    if (object !== undefined) await remove(context, object, AbortSignal.timeout(SOON));
  } catch (error) {
    context.onError(error);
  }
}

/** Removes what no backup needs: those deleted or failed, or of a workspace that is gone. */
export async function sweepObjects(context: WorkspaceContext, signal: AbortSignal): Promise<void> {
  for (const { name } of context.storages.all) {
    for (const object of await orphanedObjects(context.store.read, name, AT_ONCE)) {
      // One that can't be removed does not keep the others from it.
      if (signal.aborted) return;
      await remove(context, object, signal).catch(context.onError);
    }
  }
}
