import type { AppTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

/** Sets the push secret of an app. */
export async function replacePushSecret(trx: Trx, app: AppTable, sealed: string, now: number): Promise<void> {
  await trx
    .insertInto('push_secret')
    .values({ app_id: app.id, workspace_id: app.workspace_id, secret_sealed: sealed, replaced_at: now })
    .onConflict((conflict) => conflict.column('app_id').doUpdateSet({ secret_sealed: sealed, replaced_at: now }))
    .execute();
}

/**
 * Returns the apps with this ID or slug that have a push secret, with the sealed secret. Not filtered by workspace,
 * because a push does not name a workspace and its signature determines the app.
 */
export function listAppsWithPushSecret(db: Queryable, idOrSlug: string, limit: number) {
  return db
    .selectFrom('push_secret')
    .innerJoin('app', (join) =>
      join.onRef('app.id', '=', 'push_secret.app_id').onRef('app.workspace_id', '=', 'push_secret.workspace_id'),
    )
    .selectAll('app')
    .select('push_secret.secret_sealed')
    .where((where) => where.or([where('app.id', '=', idOrSlug), where('app.slug', '=', idOrSlug)]))
    .orderBy('app.id')
    .limit(limit)
    .execute();
}
