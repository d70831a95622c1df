import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { foundation } from './migrations/0001-foundation.ts';
import { passkeys } from './migrations/0002-passkeys.ts';
import { nodes } from './migrations/0003-nodes.ts';
import { usageChunk } from './migrations/0004-usage-chunk.ts';
import { resources } from './migrations/0010-resources.ts';
import { environment } from './migrations/0011-environment.ts';
import { activity } from './migrations/0012-activity.ts';
import { errors } from './migrations/0013-errors.ts';
import { failureGate } from './migrations/0015-failure-gate.ts';
import { jobs } from './migrations/0020-jobs.ts';
import { deployments } from './migrations/0021-deployments.ts';
import { scripts } from './migrations/0030-scripts.ts';
import { backups } from './migrations/0031-backups.ts';
import { guards } from './migrations/0035-guards.ts';
import { activitySpans } from './migrations/0036-activity-spans.ts';
import { activityChart } from './migrations/0037-activity-chart.ts';
import { mendInstants } from './migrations/0040-mend-instants.ts';
import { mutedIssues } from './migrations/0041-muted-issues.ts';
import { quotas } from './migrations/0042-quotas.ts';
import { deploymentOverrides } from './migrations/0045-deployment-overrides.ts';
import { repositoryCredentials } from './migrations/0046-repository-credentials.ts';
import { serverConfirmed } from './migrations/0049-server-confirmed.ts';
import { guardKeys } from './migrations/0052-guard-keys.ts';
import { errorKeys } from './migrations/0053-error-keys.ts';
import { operators } from './migrations/0055-operators.ts';
import { access } from './migrations/0056-access.ts';
import { credentialCreator } from './migrations/0057-credential-creator.ts';
import { revocationIds } from './migrations/0060-revocation-ids.ts';
import { installation } from './migrations/0063-installation.ts';
import { finishedPlans } from './migrations/0064-finished-plans.ts';
import { activityKey } from './migrations/0070-activity-key.ts';
import { credentialReplaces } from './migrations/0071-credential-replaces.ts';
import { workspacePolicy } from './migrations/0076-workspace-policy.ts';
import { credentialLists } from './migrations/0080-credential-lists.ts';
import { credentialRights } from './migrations/0081-credential-rights.ts';
import { credentialRestrictions } from './migrations/0082-credential-restrictions.ts';
import { credentialRate } from './migrations/0083-credential-rate.ts';
import { foreignPrefixes } from './migrations/0086-foreign-prefixes.ts';
import { webhooks } from './migrations/0090-webhooks.ts';
import { scriptApp } from './migrations/0092-script-app.ts';
import { notices } from './migrations/0100-notices.ts';
import { tombstones } from './migrations/0101-tombstones.ts';
import { noticeMail } from './migrations/0102-notice-mail.ts';
import { credentialReviews } from './migrations/0103-credential-reviews.ts';
import { webhookFormat } from './migrations/0106-webhook-format.ts';
import { workloadIdentities } from './migrations/0110-workload-identities.ts';
import { singleSignOn } from './migrations/0113-single-sign-on.ts';
import { groupRoles } from './migrations/0114-group-roles.ts';
import { scriptTimeZone } from './migrations/0116-script-time-zone.ts';
import { push } from './migrations/0117-push.ts';
import { activityAttributes } from './migrations/0121-activity-attributes.ts';
import { sourceMaps } from './migrations/0122-source-maps.ts';
import { resolvedRelease } from './migrations/0123-resolved-release.ts';
import { deploymentTag } from './migrations/0124-deployment-tag.ts';
import { deployKey } from './migrations/0125-deploy-key.ts';
import { commitStatus } from './migrations/0126-commit-status.ts';
import { deploymentVariables } from './migrations/0127-deployment-variables.ts';
import { projectEnvironment } from './migrations/0128-project-environment.ts';
import { requiredVariables } from './migrations/0129-required-variables.ts';
import { keepRuns } from './migrations/0130-keep-runs.ts';
import { deploymentRetries } from './migrations/0131-deployment-retries.ts';
import { logPartial } from './migrations/0132-log-partial.ts';
import { backupKeys } from './migrations/0133-backup-keys.ts';
import { backupVerifications } from './migrations/0134-backup-verifications.ts';
import { serverHostKeys } from './migrations/0135-server-host-keys.ts';
import type { Store } from './store.ts';

/**
 * Functions that return the statements of each migration, by name. Their parameter is the engine's type of binary
 * columns. A released migration is never changed.
 */
const MIGRATIONS: Readonly<Record<string, (bytes: 'blob' | 'bytea') => string[]>> = {
  '0001-foundation': foundation,
  '0002-passkeys': passkeys,
  '0003-nodes': nodes,
  '0004-usage-chunk': usageChunk,
  '0010-resources': resources,
  '0011-environment': environment,
  '0012-activity': activity,
  '0013-errors': errors,
  '0015-failure-gate': failureGate,
  '0020-jobs': jobs,
  '0021-deployments': deployments,
  '0030-scripts': scripts,
  '0031-backups': backups,
  '0035-guards': guards,
  '0036-activity-spans': activitySpans,
  '0037-activity-chart': activityChart,
  '0040-mend-instants': mendInstants,
  '0041-muted-issues': mutedIssues,
  '0042-quotas': quotas,
  '0045-deployment-overrides': deploymentOverrides,
  '0046-repository-credentials': repositoryCredentials,
  '0049-server-confirmed': serverConfirmed,
  '0052-guard-keys': guardKeys,
  '0053-error-keys': errorKeys,
  '0055-operators': operators,
  '0056-access': access,
  '0057-credential-creator': credentialCreator,
  '0060-revocation-ids': revocationIds,
  '0063-installation': installation,
  '0064-finished-plans': finishedPlans,
  '0070-activity-key': activityKey,
  '0071-credential-replaces': credentialReplaces,
  '0076-workspace-policy': workspacePolicy,
  '0080-credential-lists': credentialLists,
  '0081-credential-rights': credentialRights,
  '0082-credential-restrictions': credentialRestrictions,
  '0083-credential-rate': credentialRate,
  '0086-foreign-prefixes': foreignPrefixes,
  '0090-webhooks': webhooks,
  '0092-script-app': scriptApp,
  '0100-notices': notices,
  '0101-tombstones': tombstones,
  '0102-notice-mail': noticeMail,
  '0103-credential-reviews': credentialReviews,
  '0106-webhook-format': webhookFormat,
  '0110-workload-identities': workloadIdentities,
  '0113-single-sign-on': singleSignOn,
  '0114-group-roles': groupRoles,
  '0116-script-time-zone': scriptTimeZone,
  '0117-push': push,
  '0121-activity-attributes': activityAttributes,
  '0122-source-maps': sourceMaps,
  '0123-resolved-release': resolvedRelease,
  '0124-deployment-tag': deploymentTag,
  '0125-deploy-key': deployKey,
  '0126-commit-status': commitStatus,
  '0127-deployment-variables': deploymentVariables,
  '0128-project-environment': projectEnvironment,
  '0129-required-variables': requiredVariables,
  '0130-keep-runs': keepRuns,
  '0131-deployment-retries': deploymentRetries,
  '0132-log-partial': logPartial,
  '0133-backup-keys': backupKeys,
  '0134-backup-verifications': backupVerifications,
  '0135-server-host-keys': serverHostKeys,
};

/** The names of this version's migrations, in order. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS).sort();

/** Maximum attempts of a node that loses a race against other nodes or exceeds the idle limit of a transaction. */
const MAX_ATTEMPTS = 10;

/**
 * Makes PostgreSQL compare and sort text by its bytes, as SQLite does, regardless of the database's collation. A
 * collation that considers two different IDs equal would be a vulnerability.
 */
function adaptToEngine(statement: string, engine: Store['engine']): string {
  return engine === 'postgres' ? statement.replace(/\btext\b/g, 'text collate "C"') : statement;
}

/** Returns the names of migrations that a newer version has already applied. This version can run alongside it. */
// biome-ignore lint/suspicious/noExplicitAny: kysely's migrator accepts a database of any schema
async function listNewerMigrations(db: Kysely<any>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map(({ name }) => name).filter((name) => !(name in MIGRATIONS));
}

// biome-ignore lint/suspicious/noExplicitAny: kysely's migrator accepts a database of any schema
async function migrateOnce(db: Kysely<any>, engine: Store['engine']): Promise<unknown> {
  const bytes = engine === 'postgres' ? 'bytea' : 'blob';
  const migrations: Record<string, Migration> = {};
  for (const [name, statements] of Object.entries(MIGRATIONS)) {
    migrations[name] = {
      async up(trx) {
        for (const statement of statements(bytes)) await sql.raw(adaptToEngine(statement, engine)).execute(trx);
      },
    };
  }
  for (const name of await listNewerMigrations(db)) migrations[name] = { up: () => Promise.resolve() };
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    // Migrations can be merged in any order, so a store can lack a migration that precedes one that it already has.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  return error;
}

/**
 * Brings the schema up to date. All missing migrations run in one transaction under the migrator's lock, so several
 * nodes can call this at the same time. Creating the migrator's own tables can fail because of another node, and the
 * transaction can fail because this process was suspended; on PostgreSQL, both are retried.
 */
// biome-ignore lint/suspicious/noExplicitAny: kysely's migrator accepts a database of any schema
export async function migrate(db: Kysely<any>, engine: Store['engine']): Promise<void> {
  for (let attemptsLeft = engine === 'postgres' ? MAX_ATTEMPTS : 1; ; attemptsLeft--) {
    const error = await migrateOnce(db, engine).catch((thrown: unknown) => thrown);
    if (error === undefined) return;
    const { code } = error as { code?: unknown };
    // Unique violation, duplicate table, serialization failure or deadlock: another node was faster. 25P03: idle limit.
    if (attemptsLeft === 1 || !['23505', '42P07', '40001', '40P01', '25P03'].includes(String(code))) throw error;
  }
}
