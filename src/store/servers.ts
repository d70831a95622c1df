import type { ServerTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

/** Returns up to `limit` directories of a server's apps, each once. */
export async function listAppDirectories(
  db: Queryable,
  workspaceId: string,
  serverId: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('app')
    .select('directory')
    .distinct()
    .where('workspace_id', '=', workspaceId)
    .where('server_id', '=', serverId)
    .where('directory', 'is not', null)
    .orderBy('directory')
    .limit(limit)
    .execute();
  return rows.flatMap(({ directory }) => (directory === null ? [] : [directory]));
}

/**
 * Records the host key that a check received instead of the pinned one; null if it received the pinned one. Does
 * nothing if the host, the port or the pinned host key has changed since the check.
 */
export async function setOfferedHostKey(trx: Trx, checked: ServerTable, offeredHostKey: string | null): Promise<void> {
  await trx
    .updateTable('server')
    .set({ offered_host_key: offeredHostKey })
    .where('workspace_id', '=', checked.workspace_id)
    .where('id', '=', checked.id)
    .where('host', '=', checked.host)
    .where('port', '=', checked.port)
    .where('host_key', '=', checked.host_key)
    .execute();
}
