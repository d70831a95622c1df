import type { Queryable } from './store.ts';

/**
 * Returns a credential's rights and restrictions as one string, for comparison, or null if the credential is deleted,
 * inactive or expired.
 */
export async function findCurrentRights(
  db: Queryable,
  workspaceId: string,
  id: string,
  now: number,
): Promise<string | null> {
  const row = await db
    .selectFrom('credential')
    .select(['rights', 'restrictions', 'active', 'expires_at'])
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined || row.active !== 1 || (row.expires_at !== null && row.expires_at <= now)) return null;
  return `${row.rights} ${row.restrictions ?? ''}`;
}

/**
 * Returns a person's role in a workspace, or null if the person is no longer a member, the session has ended, or the
 * workspace requires a second factor and the person has neither set one up nor signed in with one.
 */
export async function findCurrentRole(
  db: Queryable,
  workspaceId: string,
  personId: string,
  sessionId: string,
  now: number,
): Promise<string | null> {
  const row = await db
    .selectFrom('member')
    .innerJoin('session', 'session.person_id', 'member.person_id')
    .innerJoin('person', 'person.id', 'member.person_id')
    .leftJoin('session_sign_in', 'session_sign_in.session_id', 'session.id')
    .leftJoin('workspace_policy', 'workspace_policy.workspace_id', 'member.workspace_id')
    .select([
      'member.role',
      'person.totp_enabled',
      'session_sign_in.multi_factor',
      'workspace_policy.require_two_factor',
    ])
    .where('member.workspace_id', '=', workspaceId)
    .where('member.person_id', '=', personId)
    .where('session.id', '=', sessionId)
    .where('session.ends_at', '>', now)
    .executeTakeFirst();
  if (row === undefined) return null;
  const hasSecondFactor = row.totp_enabled === 1 || row.multi_factor === 1;
  return row.require_two_factor === 1 && !hasSecondFactor ? null : row.role;
}
