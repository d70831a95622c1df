/** Schemas of scripts and their runs, used in browsers and on the server. */
import { z } from 'zod';
import { schedule } from './apps.ts';
import { isControlVariable } from './control-variables.ts';
import { ENV_NAME, ENV_NAME_MESSAGE } from './dotenv.ts';
import { exposeProtoKey } from './environment.ts';
import {
  auditParty,
  description,
  hasNoDuplicates,
  id,
  idOrSlug,
  integerInRange,
  matchingText,
  name,
  oneOf,
  slug,
  timestamps,
  wellFormedText,
} from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { pagingFields, resourceSort, searchQuery } from './paging.ts';
import { SCRIPT_OVERLAPS, WORK_STATUSES } from './platform-vocabulary.ts';
import { serverUser } from './servers.ts';
import { isTimeZone } from './time-zone.ts';

const scriptDescription = description.refine(
  (text) => text === null || [...text].length <= RESOURCE_LIMITS.scriptDescription,
  `must be at most ${RESOURCE_LIMITS.scriptDescription} characters`,
);
const body = wellFormedText(RESOURCE_LIMITS.scriptBody)
  .refine((text) => text.trim() !== '', 'must not be empty')
  .meta({ minLength: 1, examples: ['echo "Greetings, $NAME"\n'] });

/** An absolute path and arguments, which are passed unchanged and without a shell. */
const interpreter = matchingText(
  /^\/[A-Za-z0-9._/+-]*[A-Za-z0-9._+-](?: [A-Za-z0-9._/+=:,@-]+){0,5}$/,
  RESOURCE_LIMITS.interpreter,
  'must be an absolute path with up to five arguments, such as /bin/sh or /usr/bin/env python3; allowed are A-Z, a-z, 0-9 and . _ / + -, in arguments also = : , @',
  '/bin/sh',
);

/**
 * Names that would change the behavior of the shell, the loader, the interpreter or a tool before the script's first
 * command runs, in addition to the control variables (`isControlVariable`).
 */
const RESERVED_NAMES = [
  /^(?:PATH|IFS|ENV|HOME|SHELL|USER|LOGNAME|PWD|OLDPWD|CDPATH|TMPDIR|TMP|TEMP|_)$/,
  /^(?:BASH|LD_|DYLD_|DEVPILOT|GIT_|SSH_|SUDO_|PYTHON|PERL|RUBY|NODE_|NPM_|JAVA_|JDK_|_JAVA_|MALLOC_|LC_|GCONV_|GLIBC_)/,
  /^(?:SHELLOPTS|GLOBIGNORE|PS[0-9]|PROMPT_COMMAND|FCEDIT|HISTFILE|POSIXLY_CORRECT|LANG|LANGUAGE|LOCPATH|NLSPATH)$/,
  /^(?:CLASSPATH|PHPRC|PHP_INI_SCAN_DIR|LUA_INIT\w*|TERM|TERMINFO\w*|TERMCAP|TERMPATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN)$/,
  /^(?:PAGER|EDITOR|VISUAL|LESSOPEN|LESSCLOSE|TAR_OPTIONS|GREP_OPTIONS|RSYNC_RSH|OPENSSL_CONF|SSLKEYLOGFILE|AWKPATH|AWKLIBPATH)$/,
];
/**
 * Returns whether a text is allowed as the name of a parameter: it is a valid variable name that does not control other
 * programs. Pure.
 */
export function isParameterName(text: string): boolean {
  return (
    text.length <= RESOURCE_LIMITS.parameterName &&
    ENV_NAME.test(text) &&
    !isControlVariable(text) &&
    !RESERVED_NAMES.some((pattern) => pattern.test(text.toUpperCase()))
  );
}
const parameterName = z
  .string()
  .max(RESOURCE_LIMITS.parameterName, `must be at most ${RESOURCE_LIMITS.parameterName} characters`)
  .regex(ENV_NAME, ENV_NAME_MESSAGE)
  .refine(isParameterName, 'must not be a name that controls the shell, the loader or a tool')
  .meta({ examples: ['NAME'] });
const parameterValue = wellFormedText(RESOURCE_LIMITS.parameterValue).meta({ examples: ['Ada'] });
const pattern = wellFormedText(RESOURCE_LIMITS.pattern)
  .min(1, 'must be a regular expression')
  .meta({ examples: ['[A-Za-z ]+'] });

const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be the name of a time zone, such as Europe/Berlin or UTC')
  .describe('IANA time zone of the schedule; `UTC` by default')
  .meta({ examples: ['Europe/Berlin'] });

const parameters = z
  .array(
    z.strictObject({
      name: parameterName,
      pattern: pattern.nullable().default(null),
      default: parameterValue.nullable().default(null),
    }),
  )
  .max(RESOURCE_LIMITS.parameters, `must contain at most ${RESOURCE_LIMITS.parameters} parameters`)
  .refine(
    (list) => hasNoDuplicates(list.map((parameter) => parameter.name)),
    'must not contain two parameters with the same name',
  )
  .describe('A pattern is a JavaScript regular expression that the whole value must match');

const parameterOutput = z.object({ name: z.string(), pattern: z.string().nullable(), default: z.string().nullable() });
/** The versioned part of a script. */
const scriptContent = {
  body: z.string().max(RESOURCE_LIMITS.scriptBody),
  interpreter: z.string(),
  serverId: id,
  runAs: z.string().nullable(),
  timeoutSeconds: z.int(),
  parameters: z.array(parameterOutput),
};
export const Script = z
  .object({
    id,
    name: z.string(),
    slug: z.string(),
    description: z.string().nullable(),
    appId: id
      .nullable()
      .describe('The app that the script belongs to; null if it belongs to none, or the app was deleted'),
    ...scriptContent,
    schedule: z.string().nullable(),
    timeZone: z.string().describe('IANA time zone of the schedule'),
    overlap: z.enum(SCRIPT_OVERLAPS),
    keepRuns: z.int().describe('Number of finished runs that are kept. Older runs are deleted, including their logs'),
    nextRunAt: nullableInstant.describe('Time of the next scheduled run'),
    version: z.int().describe('Increases when the body, interpreter, server, user, time limit or parameters change'),
    ...timestamps,
  })
  .meta({ id: 'Script' });
export type Script = z.infer<typeof Script>;
/** The next times at which a script runs on its schedule. */
export const NextRuns = z.object({ data: z.array(instant) }).meta({ id: 'NextRuns' });
export type NextRuns = z.infer<typeof NextRuns>;
export const ScriptVersion = z
  .object({ version: z.int(), at: instant, by: auditParty, ...scriptContent })
  .meta({ id: 'ScriptVersion' });
export type ScriptVersion = z.infer<typeof ScriptVersion>;

const scriptFields = {
  description: scriptDescription.optional(),
  appId: idOrSlug
    .nullable()
    .optional()
    .describe(
      'ID or slug of the app that the script belongs to. Required if the credential is restricted to projects or apps',
    ),
  interpreter: interpreter.optional(),
  runAs: serverUser
    .nullable()
    .optional()
    .describe('User on the server to run the script as, with sudo, which must not ask for a password'),
  timeoutSeconds: integerInRange(RESOURCE_LIMITS.scriptTimeout, 600).optional(),
  parameters: parameters.optional(),
  schedule: schedule.optional(),
  timeZone: timeZone.optional(),
  keepRuns: integerInRange(RESOURCE_LIMITS.keepRuns, RESOURCE_LIMITS.keepRuns.max)
    .optional()
    .describe('Number of finished runs to keep. When a run ends, older runs are deleted, including their logs'),
  overlap: oneOf(SCRIPT_OVERLAPS)
    .optional()
    .describe(
      'What happens when a run is due while an earlier run is waiting or running. `skip` (the default): no run is started. `queue`: a run is started afterwards. `allow`: a concurrent run is started',
    ),
};
export const CreateScript = z
  .strictObject({
    name,
    slug: slug.optional(),
    body,
    serverId: idOrSlug.describe('ID or slug of a server'),
    ...scriptFields,
  })
  .meta({ id: 'CreateScript' });
export type CreateScript = z.infer<typeof CreateScript>;
/** The request before defaults are applied. */
export type CreateScriptInput = z.input<typeof CreateScript>;
export const UpdateScript = z
  .strictObject({
    name: name.optional(),
    body: body.optional(),
    serverId: idOrSlug.optional().describe('ID or slug of a server'),
    ...scriptFields,
  })
  .meta({ id: 'UpdateScript' });
export type UpdateScript = z.infer<typeof UpdateScript>;
export type UpdateScriptInput = z.input<typeof UpdateScript>;
export const ScriptQuery = z.strictObject({
  ...pagingFields,
  q: searchQuery,
  sort: resourceSort,
  server: idOrSlug.optional().describe('ID or slug of the server'),
  app: idOrSlug.optional().describe('ID or slug of the app'),
});
export type ScriptQuery = z.infer<typeof ScriptQuery>;

// Runs

export const Run = z
  .object({
    id,
    scriptId: id,
    scriptVersion: z.int(),
    status: z.enum(WORK_STATUSES),
    exitCode: z.int().nullable(),
    error: z.string().nullable().describe('Reason for the failure or cancellation'),
    parameters: z.record(z.string(), z.string().max(RESOURCE_LIMITS.parameterValue)),
    createdBy: auditParty,
    scheduledFor: nullableInstant.describe('Scheduled time, if the schedule started it'),
    startedAt: nullableInstant,
    finishedAt: nullableInstant,
    ...timestamps,
  })
  .meta({ id: 'Run' });
export type Run = z.infer<typeof Run>;

export const CreateRun = z
  .strictObject({
    parameters: z
      .preprocess(
        exposeProtoKey,
        z
          // Only bounds the size: names that the script does not declare are rejected when the run is created.
          .record(z.string().max(RESOURCE_LIMITS.parameterName * 2), parameterValue)
          .refine(
            (values) => Object.keys(values).length <= RESOURCE_LIMITS.parameters,
            `must contain at most ${RESOURCE_LIMITS.parameters} parameters`,
          )
          .meta({ examples: [{ NAME: 'Ada' }] }),
      )
      .default({}),
  })
  .meta({ id: 'CreateRun' });
export type CreateRun = z.infer<typeof CreateRun>;
export const RunQuery = z.strictObject({
  ...pagingFields,
  status: oneOf(WORK_STATUSES).optional(),
});
export type RunQuery = z.infer<typeof RunQuery>;
