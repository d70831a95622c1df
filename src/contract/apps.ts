import { z } from 'zod';
import { envName } from './environment.ts';
import {
  hasNoDuplicates,
  id,
  idOrSlug,
  integerInRange,
  matchingText,
  name,
  oneOf,
  slug,
  timestamps,
} from './fields.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { pagingFields, resourceSort, searchQuery } from './paging.ts';
import { COMMAND_INTERPRETERS, HOOK_STAGES, VARIABLE_DELIVERIES } from './platform-vocabulary.ts';
import { pushSettings, pushSettingsOutput } from './push.ts';
import { repositoryUrlProblem } from './repository.ts';
import { shebangMismatch } from './shebang.ts';

/** One or more lines for a shell. Excludes NUL, which a command-line argument cannot contain. */
const command = z
  .string()
  .min(1, 'must not be empty')
  .max(RESOURCE_LIMITS.command, `must be at most ${RESOURCE_LIMITS.command} characters`)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL')
  .meta({ examples: ['npm ci && npm run build'] });
const repository = matchingText(
  /^(?:(?:https?|ssh|git|file):\/\/[^\s\p{Cc}]+|[A-Za-z_][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s\p{Cc}-][^\s\p{Cc}]*|\/[^\s\p{Cc}]+)$/u,
  RESOURCE_LIMITS.url,
  'must be the URL of a Git repository, such as https://git.example.com/shop.git',
  'https://git.example.com/shop.git',
).superRefine((text, context) => {
  const message = repositoryUrlProblem(text);
  if (message !== null) context.addIssue({ code: 'custom', message });
});
export const branch = matchingText(
  /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\/\.))[^\s\p{Cc}~^:?*[\\]+(?<![/.])$/u,
  RESOURCE_LIMITS.branch,
  'must be the name of a Git branch',
  'main',
);
/** A tag, or a pattern in which each `*` matches any characters except `/`. */
export const tag = matchingText(
  /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\/\.))(?!(?:[^*]*\*){5})[^\s\p{Cc}~^:?[\\]+(?<![/.])$/u,
  RESOURCE_LIMITS.branch,
  'must be the name of a Git tag, or a pattern with up to four *',
  'v1.2.0',
);
const directory = matchingText(
  /^(?!.*\/\.\.?(?:\/|$))\/[^\p{Cc}]*[^\p{Cc}/]$/u,
  RESOURCE_LIMITS.directory,
  'must be an absolute path, such as /srv/shop, without . and .. and without a slash at the end',
  '/srv/shop',
);
/**
 * The URL of a health check. Excludes a user name and password, because everyone who can see the app can see the URL.
 */
export const healthCheckUrl = matchingText(
  /^https?:\/\/(?![^/?#]*@)[^\s\p{Cc}]+$/u,
  RESOURCE_LIMITS.url,
  'must be an http:// or https:// URL without a user name or password; if the page requires them, set a command as the health check of the app',
  'http://127.0.0.1:8080/healthz',
);

const INTERPRETER_NOTE = 'Shell for the command; /bin/bash runs with pipefail';
const commandInterpreter = oneOf(COMMAND_INTERPRETERS).describe(INTERPRETER_NOTE);
const HOOK_RETRIES_NOTE =
  'Maximum number of times that the hook is run again on a server after it fails or times out there. The delays are 1 s, 2 s, 4 s, 8 s and 16 s';
const HOOK_VARIABLES_NOTE =
  "How the hook receives the app's variables. `environment`: as environment variables. `files`: one file per variable in the directory `DEVPILOT_VARIABLES_DIR`, which only the hook's user can read and which is removed when the hook ends";
const hook = z
  .strictObject({
    name,
    stage: oneOf(HOOK_STAGES).describe(
      "`pre_execution` and `pre_source_control` run in the app's directory. `post_source_control` (before `.env` is written and `shared` is linked) and `post_setup` run in the new release. `post_release` runs after the new release is live",
    ),
    run: command,
    interpreter: commandInterpreter.default('/bin/sh'),
    timeoutSeconds: integerInRange(RESOURCE_LIMITS.hookTimeout, 600).default(600),
    retries: integerInRange(RESOURCE_LIMITS.hookRetries, 0).default(0).describe(HOOK_RETRIES_NOTE),
    variables: oneOf(VARIABLE_DELIVERIES).default('environment').describe(HOOK_VARIABLES_NOTE),
    active: z.boolean().default(true),
  })
  .superRefine(({ run, interpreter }, context) => {
    const message = shebangMismatch(run, interpreter);
    if (message !== null) context.addIssue({ code: 'custom', path: ['run'], message });
  });
const hooks = z
  .array(hook)
  .max(RESOURCE_LIMITS.hooks, `must contain at most ${RESOURCE_LIMITS.hooks} hooks`)
  .refine((list) => hasNoDuplicates(list.map((hook) => hook.name)), 'must not contain two hooks with the same name');
const healthCheck = z
  .strictObject({
    command: command.optional(),
    url: healthCheckUrl.optional(),
    timeoutSeconds: integerInRange(RESOURCE_LIMITS.healthTimeout, 60).default(60),
  })
  .refine((check) => (check.command === undefined) !== (check.url === undefined), 'must have either command or url')
  .nullable();
/**
 * A cron expression: five fields, or one of the common names. Whether it ever matches is not checked here, because that
 * depends on the current time.
 */
export const schedule = z
  .string()
  .max(RESOURCE_LIMITS.schedule, `must be at most ${RESOURCE_LIMITS.schedule} characters`)
  .overwrite((text) => text.trim().replace(/[ \t]+/g, ' '))
  .refine(
    (text) =>
      /^(?:@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)|[0-9A-Za-z*,/#?-]+(?: [0-9A-Za-z*,/#?-]+){4})$/.test(
        text,
      ),
    'must be a cron expression of five fields, such as 30 3 * * 1-5, or a name such as @daily',
  )
  .nullable()
  .meta({ examples: ['30 3 * * 1-5'] });
const requiredVariables = z
  .array(envName)
  .max(RESOURCE_LIMITS.requiredVariables, `must contain at most ${RESOURCE_LIMITS.requiredVariables} names`)
  .refine(hasNoDuplicates, 'must not contain a name twice')
  .describe('Names of variables of the app or its project. The app cannot be deployed until each has a value');
const retention = z
  .strictObject({
    last: integerInRange(RESOURCE_LIMITS.keepBackups, 7).optional().describe('Number of backups to keep'),
    days: integerInRange(RESOURCE_LIMITS.keepBackupDays, 30).optional().describe('Number of days to keep a backup'),
  })
  .refine(({ last, days }) => last !== undefined || days !== undefined, 'must have last, days or both')
  .nullable()
  .describe(
    'Retention of backups. Backups beyond either limit are deleted when a newer backup completes. The newest backup and the newest verified backup are always kept',
  );
const backup = z
  .strictObject({
    command: command.nullable().default(null),
    restoreCommand: command.nullable().default(null),
    interpreter: commandInterpreter.optional().describe('Shell for these commands; /bin/bash runs with pipefail'),
    schedule: schedule.optional(),
    keep: retention.optional(),
    verifyCommand: command
      .nullable()
      .optional()
      .describe(
        'Command that verifies a backup. It receives the output of the backup command on standard input and can use the directory `DEVPILOT_FOLDER`',
      ),
    verifySchedule: schedule
      .optional()
      .describe('When the newest backup is verified, in UTC: a cron expression or a name such as @weekly'),
  })
  .nullable();

const hookOutput = z.object({
  name: z.string(),
  stage: z.enum(HOOK_STAGES),
  run: z.string(),
  interpreter: z.enum(COMMAND_INTERPRETERS).describe(INTERPRETER_NOTE),
  timeoutSeconds: z.int(),
  retries: z.int().describe(HOOK_RETRIES_NOTE),
  variables: z.enum(VARIABLE_DELIVERIES).describe(HOOK_VARIABLES_NOTE),
  active: z.boolean(),
});
const healthCheckOutput = z
  .object({ command: z.string().optional(), url: z.string().optional(), timeoutSeconds: z.int() })
  .nullable();
export const App = z
  .object({
    id,
    projectId: id,
    name: z.string(),
    slug: z.string(),
    serverId: id.nullable(),
    repository: z.string().nullable().describe('Without credentials, query or fragment'),
    repositoryUser: z.string().nullable(),
    hasRepositoryPassword: z.boolean(),
    branch: z.string(),
    directory: z.string().nullable(),
    hooks: z.array(hookOutput),
    keepReleases: z.int(),
    healthCheck: healthCheckOutput,
    logCommand: z.string().nullable(),
    requiredVariables: z.array(z.string()),
    backup: z
      .object({
        command: z.string().nullable(),
        restoreCommand: z.string().nullable(),
        interpreter: z.enum(COMMAND_INTERPRETERS).optional(),
        schedule: z.string().nullable().optional(),
        keep: z.object({ last: z.int().optional(), days: z.int().optional() }).nullable().optional(),
        verifyCommand: z.string().nullable().optional(),
        verifySchedule: z.string().nullable().optional(),
      })
      .nullable(),
    push: pushSettingsOutput.describe('Which signed pushes deploy the app; null if all pushes to its branch do'),
    ...timestamps,
  })
  .meta({ id: 'App' });
export type App = z.infer<typeof App>;

/** A user name or password of a repository: a single line, because Git's credential protocol is line-based. */
const singleLineCredential = (max: number, noun: string, example: string) =>
  z
    .string()
    .min(1, `must be ${noun}`)
    .max(max, `must be ${noun} of up to ${max} characters`)
    .refine(
      (text) => text.isWellFormed() && !/[\0\r\n]/.test(text),
      'must be well-formed Unicode without NUL and line breaks',
    )
    .meta({ examples: [example] });
const appFields = {
  serverId: idOrSlug.nullable().optional().describe('ID or slug of a server'),
  repository: repository
    .nullable()
    .optional()
    .describe(
      'URL of a Git repository. A user name and password in an http or https URL are removed and stored separately. A query or fragment is rejected, because everyone who can see the app can see the URL',
    ),
  repositoryUser: singleLineCredential(RESOURCE_LIMITS.repositoryUser, 'a user name', 'deploy')
    .nullable()
    .optional()
    .describe('User name for an http or https repository'),
  repositoryPassword: singleLineCredential(
    RESOURCE_LIMITS.repositoryPassword,
    'a password or token',
    'a token of the Git host',
  )
    .nullable()
    .optional()
    .describe(
      'Password or token for an http or https repository; a token needs no user name. Encrypted at rest, never returned, and sent only to the scheme, host and port of the repository. Must be set again when the scheme, host or port changes',
    ),
  branch: branch.optional(),
  directory: directory.nullable().optional(),
  hooks: hooks.optional(),
  keepReleases: integerInRange(RESOURCE_LIMITS.keepReleases, 5).optional(),
  healthCheck: healthCheck.optional(),
  logCommand: command.nullable().optional(),
  requiredVariables: requiredVariables.optional(),
  backup: backup.optional(),
  push: pushSettings.optional().describe('Which signed pushes deploy the app; null if all pushes to its branch do'),
};
export const CreateApp = z
  .strictObject({
    projectId: idOrSlug.describe('ID or slug of a project'),
    name,
    slug: slug.optional(),
    ...appFields,
  })
  .meta({ id: 'CreateApp' });
export type CreateApp = z.infer<typeof CreateApp>;
/** The request before defaults are applied. */
export type CreateAppInput = z.input<typeof CreateApp>;
export const UpdateApp = z
  .strictObject({ projectId: idOrSlug.optional(), name: name.optional(), ...appFields })
  .meta({ id: 'UpdateApp' });
export type UpdateApp = z.infer<typeof UpdateApp>;
export type UpdateAppInput = z.input<typeof UpdateApp>;
export const AppQuery = z.strictObject({
  ...pagingFields,
  q: searchQuery,
  sort: resourceSort,
  project: idOrSlug.optional().describe('ID or slug of the project'),
  server: idOrSlug.optional().describe('ID or slug of the server'),
});
export type AppQuery = z.infer<typeof AppQuery>;
