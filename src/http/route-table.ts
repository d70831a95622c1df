import { accountRoutes, operatorRoutes } from './accounts.ts';
import { activityRoutes } from './activity.ts';
import type { AppContext } from './app-context.ts';
import { appRoutes } from './apps.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backups.ts';
import { commitStatusRoutes } from './commit-status.ts';
import { accessTokenRoutes, apiKeyRoutes } from './credentials.ts';
import { deployKeyRoutes } from './deploy-keys.ts';
import { deploymentRoutes } from './deployments.ts';
import { deviceRoutes } from './devices.ts';
import { environmentRoutes } from './environment.ts';
import { errorIngestRoutes } from './error-ingest.ts';
import { errorRoutes } from './errors.ts';
import { explanationRoutes } from './explanation.ts';
import { guardRoutes } from './guards.ts';
import { importRoutes } from './imports.ts';
import { introspectionRoutes } from './introspection.ts';
import { leakRoutes } from './leaks.ts';
import { mcpRoutes } from './mcp.ts';
import { meRoutes } from './me.ts';
import { noticeRoutes } from './notices.ts';
import { notificationRoutes } from './notifications.ts';
import { oauthMetadataRoutes } from './oauth-metadata.ts';
import { passkeyRoutes } from './passkeys.ts';
import { policyRoutes } from './policy.ts';
import { projectRoutes } from './projects.ts';
import { pushRoutes } from './push.ts';
import { reviewRoutes } from './review.ts';
import type { Route } from './route.ts';
import { runRoutes } from './runs.ts';
import { scriptRoutes } from './scripts.ts';
import { serverRoutes } from './servers.ts';
import { sessionRoutes } from './sessions.ts';
import { singleSignOnRoutes } from './single-sign-on.ts';
import { tokenRoutes } from './token.ts';
import { twoFactorRoutes } from './two-factor.ts';
import { webhookRoutes } from './webhooks.ts';
import { workloadIdentityRoutes } from './workload-identities.ts';
import { memberRoutes, workspaceRoutes } from './workspaces.ts';

/**
 * Returns all routes of the API with their access, except `/v1/authorize`, health checks and docs, which are registered
 * separately.
 */
export function routeTable(context: AppContext): Route[] {
  const routes = [
    ...sessionRoutes(context),
    ...singleSignOnRoutes(context),
    ...meRoutes(context),
    ...twoFactorRoutes(context),
    ...accountRoutes(context),
    ...operatorRoutes(context),
    ...passkeyRoutes(context),
    ...deviceRoutes(context),
    ...tokenRoutes(context),
    ...workspaceRoutes(context),
    ...memberRoutes(context),
    ...accessTokenRoutes(context),
    ...apiKeyRoutes(context),
    ...importRoutes(context),
    ...policyRoutes(context),
    ...reviewRoutes(context),
    ...auditRoutes(context),
    ...introspectionRoutes(context),
    ...leakRoutes(context),
    ...explanationRoutes(context),
    ...guardRoutes(context),
    ...projectRoutes(context),
    ...appRoutes(context),
    ...serverRoutes(context),
    ...environmentRoutes(context),
    ...oauthMetadataRoutes(context),
    ...activityRoutes(context),
    ...errorRoutes(context),
    ...errorIngestRoutes(context),
    ...deployKeyRoutes(context),
    ...commitStatusRoutes(context),
    ...pushRoutes(context),
    ...deploymentRoutes(context),
    ...scriptRoutes(context),
    ...runRoutes(context),
    ...backupRoutes(context),
    ...webhookRoutes(context),
    ...noticeRoutes(context),
    ...notificationRoutes(context),
    ...workloadIdentityRoutes(context),
  ];
  return [...routes, ...mcpRoutes(context, routes)];
}
