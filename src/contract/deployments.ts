/** Schemas of deployments. Runs in browsers and on the server. */
import { z } from 'zod';
import { branch, healthCheckUrl, tag } from './apps.ts';
import { auditParty, hasNoDuplicates, id, idOrSlug, integerInRange, matchingText, oneOf } from './fields.ts';
import { instant, instantInput, nullableInstant } from './instant.ts';
import { LIMITS, RESOURCE_LIMITS } from './limits.ts';
import { pagingFields } from './paging.ts';
import {
  DEPLOYMENT_KINDS,
  DEPLOYMENT_WAIT_REASONS,
  HOOK_STAGES,
  HOOK_STATUSES,
  STRATEGIES,
  WORK_STATUSES,
} from './platform-vocabulary.ts';

const commit = matchingText(
  /^[0-9a-f]{7,64}$/,
  64,
  'must be a commit hash: 7 to 64 characters of 0-9 and a-f',
  '0123456789abcdef0123456789abcdef01234567',
);

/** Only a URL, not a command, because permission to deploy must not imply permission to choose what runs. */
const healthCheckOverride = z
  .strictObject({ url: healthCheckUrl, timeoutSeconds: integerInRange(RESOURCE_LIMITS.healthTimeout, 60).default(60) })
  .nullable();

/** Options common to deployments and rollbacks. */
const deploymentOptions = {
  servers: z
    .array(idOrSlug)
    .min(1, 'must contain at least one server')
    .max(RESOURCE_LIMITS.deploymentServers, `must contain at most ${RESOURCE_LIMITS.deploymentServers} servers`)
    .refine(hasNoDuplicates, 'must not contain a server twice')
    .optional()
    .describe("IDs or slugs of servers; defaults to the app's server"),
  strategy: oneOf(STRATEGIES).optional().describe('Defaults to `all`, which deploys to all servers in parallel'),
  batchSize: integerInRange({ min: 1, max: RESOURCE_LIMITS.deploymentServers }, 1)
    .optional()
    .describe('Servers per batch, for `rolling`; defaults to 1'),
  pauseSeconds: integerInRange({ min: 0, max: RESOURCE_LIMITS.pauseSeconds }, 30)
    .optional()
    .describe('Pause between two batches; defaults to 0'),
  healthCheck: healthCheckOverride
    .optional()
    .describe("Overrides the app's health check with a URL, never a command; null disables it"),
  scheduledAt: instantInput.optional(),
  approval: z
    .boolean()
    .optional()
    .describe(
      'Whether the deployment requires approval. If the workspace has members other than the requester, one of them must approve it',
    ),
  skipHooks: z
    // Only bounds the size: a hook's name, of at most `LIMITS.name.max` code points, is always shorter.
    .array(z.string().max(LIMITS.name.max * 8))
    .max(RESOURCE_LIMITS.hooks)
    .refine(hasNoDuplicates, 'must not contain a hook twice')
    .optional()
    .describe('Names of hooks to skip'),
  replace: z
    .boolean()
    .optional()
    .describe(
      'Whether to cancel the pending deployments of this app, including scheduled deployments and deployments waiting for approval',
    ),
};

export const CreateDeployment = z
  .strictObject({
    branch: branch.optional().describe("Defaults to the app's branch"),
    tag: tag
      .optional()
      .describe(
        'Deploys this tag instead of a branch. With `*` (any characters except `/`), deploys the newest matching tag in version order, in which `v1.0.0-rc.1` precedes `v1.0.0`',
      ),
    commit: commit
      .optional()
      .describe('Deploys this commit instead of a branch; a branch or tag of the repository must contain it'),
    ...deploymentOptions,
  })
  .superRefine((body, context) => {
    const [first, ...others] = (['branch', 'tag', 'commit'] as const).filter((field) => body[field] !== undefined);
    for (const field of others) {
      context.addIssue({ code: 'custom', path: [field], message: `must not be set together with ${first}` });
    }
  })
  .meta({ id: 'CreateDeployment', examples: [{ branch: 'main' }] });
export type CreateDeployment = z.infer<typeof CreateDeployment>;
/** The request before defaults are applied. */
export type CreateDeploymentInput = z.input<typeof CreateDeployment>;
export const CreateRollback = z.strictObject(deploymentOptions).meta({ id: 'CreateRollback', examples: [{}] });
export type CreateRollback = z.infer<typeof CreateRollback>;
/** The request before defaults are applied. */
export type CreateRollbackInput = z.input<typeof CreateRollback>;
/** The options that deployments and rollbacks have in common. */
export type DeploymentOptions = CreateRollback;

export const DeploymentOverrides = z
  .object({
    servers: z.array(id).optional(),
    strategy: z.enum(STRATEGIES).optional(),
    batchSize: z.int().optional(),
    pauseSeconds: z.int().optional(),
    healthCheck: z
      .object({
        url: z.string().optional().describe('The URL without its password'),
        command: z
          .string()
          .optional()
          .describe('Only in deployments created by an earlier version of Devpilot that accepted commands'),
        timeoutSeconds: z.int(),
      })
      .nullable()
      .optional(),
    scheduledAt: instant.optional(),
    approval: z.boolean().optional(),
    skipHooks: z.array(z.string()).optional(),
    replace: z.boolean().optional(),
  })
  .meta({ id: 'DeploymentOverrides' });
export type DeploymentOverrides = z.infer<typeof DeploymentOverrides>;

export const Deployment = z
  .object({
    id,
    appId: id,
    kind: z.enum(DEPLOYMENT_KINDS),
    status: z.enum(WORK_STATUSES),
    progress: z.int().min(0).max(100),
    branch: z.string().nullable(),
    tag: z
      .string()
      .nullable()
      .describe(
        'The deployed tag. If the request contained a pattern, this is the pattern until the newest matching tag is known',
      ),
    commit: z.string().nullable().describe('Null until the commit of the branch or tag is known'),
    live: z.boolean().describe('Whether this is the deployment that the app currently runs'),
    strategy: z.enum(STRATEGIES),
    batchSize: z.int(),
    pauseSeconds: z.int(),
    servers: z.array(z.object({ serverId: id, status: z.enum(WORK_STATUSES) })),
    hooks: z.array(
      z.object({
        name: z.string(),
        stage: z.enum(HOOK_STAGES),
        status: z.enum(HOOK_STATUSES),
        exitCode: z.int().nullable(),
        durationMs: z.int().nullable(),
        attempts: z.int().describe('Number of attempts on the server that needed the most'),
      }),
    ),
    overrides: DeploymentOverrides.describe('Settings of the request that override the app and the defaults'),
    attempt: z.int().describe('1 for the first attempt; each retry adds 1'),
    error: z.string().nullable(),
    waitingFor: z.enum(DEPLOYMENT_WAIT_REASONS).nullable(),
    blockedBy: id.nullable().describe('The deployment of the app that must finish before this one can start'),
    scheduledAt: nullableInstant,
    approval: z
      .object({ status: z.enum(['waiting', 'given']), by: auditParty.nullable() })
      .nullable()
      .describe('Null if no approval is required'),
    rollbackOf: id.nullable().describe('The deployment whose commit is deployed again; null if this is not a rollback'),
    createdBy: auditParty,
    startedAt: nullableInstant,
    finishedAt: nullableInstant,
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Deployment' });
export type Deployment = z.infer<typeof Deployment>;

const variableNames = z.array(z.string());
export const DeploymentVariables = z
  .object({
    comparedWith: id
      .nullable()
      .describe(
        'The previous release: the most recent completed deployment before this one. Null if there is none, or if the variables of one of the two are unknown',
      ),
    names: variableNames
      .nullable()
      .describe('Names of the variables of the deployment; null if it has not started or its variables are unknown'),
    added: variableNames,
    removed: variableNames,
    changed: variableNames.describe(
      'Names of variables that both releases have and that were set between them. Versions of the environment that are no longer stored are not considered',
    ),
  })
  .meta({ id: 'DeploymentVariables', title: 'The names of the variables of a deployment, without values' });
export type DeploymentVariables = z.infer<typeof DeploymentVariables>;

export const DeploymentQuery = z.strictObject({
  ...pagingFields,
  app: idOrSlug.optional().describe('ID or slug of the app'),
  status: oneOf(WORK_STATUSES).optional(),
  live: z
    .enum(['true'], { error: 'must be true' })
    .optional()
    .describe('`true`: only the deployments that apps currently run'),
});
export type DeploymentQuery = z.infer<typeof DeploymentQuery>;
