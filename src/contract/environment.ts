/** Schemas of the environment of an app or a project. Runs in browsers and on the server. */
import { z } from 'zod';
import { ENV_NAME, ENV_NAME_MESSAGE } from './dotenv.ts';
import { auditParty, oneOf } from './fields.ts';
import { instant } from './instant.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { ENV_FILE_FORMATS, ENV_OWNERS } from './platform-vocabulary.ts';

export const envName = z
  .string()
  .max(RESOURCE_LIMITS.envName, `must be at most ${RESOURCE_LIMITS.envName} characters`)
  .regex(ENV_NAME, ENV_NAME_MESSAGE)
  .meta({ examples: ['DATABASE_URL'] });
const envValue = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL')
  .refine(
    (text) =>
      text.length <= RESOURCE_LIMITS.envValueBytes &&
      new TextEncoder().encode(text).length <= RESOURCE_LIMITS.envValueBytes,
    'must be at most 64 KiB',
  )
  .meta({ maxLength: RESOURCE_LIMITS.envValueBytes, examples: ['postgres://shop@db/shop'] });

export const EnvVariable = z
  .object({
    name: z.string(),
    value: z
      .string()
      .max(RESOURCE_LIMITS.envValueBytes)
      .nullable()
      .describe('Null for people with the role `member`, and if the request hides values'),
    from: z.enum(ENV_OWNERS).describe('`project`: the app inherits the variable from its project'),
    updatedAt: instant,
  })
  .meta({ id: 'EnvVariable' });
export type EnvVariable = z.infer<typeof EnvVariable>;
export const Environment = z.object({ data: z.array(EnvVariable) }).meta({ id: 'Environment' });
export type Environment = z.infer<typeof Environment>;

export const EnvQuery = z.strictObject({
  format: oneOf(['json', ...ENV_FILE_FORMATS])
    .optional()
    .describe(
      '`json` (the default), or a file for `dotenv` libraries, `node` (`--env-file`), `python` (python-dotenv), a `shell` (`set -a; . file`), `systemd` (`EnvironmentFile=`) or `docker` (`--env-file`). If the format cannot represent a value, the request is refused with 422',
    ),
  values: oneOf(['shown', 'hidden'])
    .optional()
    .describe(
      'Only for the format `json`. `hidden`: every value is null, and a read by a person is not recorded. `shown`: people with the role `member` get 403 instead of null values',
    ),
  name: envName.optional().describe('Only this variable'),
});
export type EnvQuery = z.infer<typeof EnvQuery>;

export const SetVariable = z.strictObject({ value: envValue }).meta({ id: 'SetVariable' });

/**
 * Appends a space to the key `__proto__`, so that it is rejected like any invalid name. Zod would silently drop it.
 */
export function exposeProtoKey(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, '__proto__')) return raw;
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => [key === '__proto__' ? '__proto__ ' : key, value]),
  );
}
export const UpdateEnvironment = z
  .strictObject({
    values: z.preprocess(
      exposeProtoKey,
      z
        .record(envName, envValue.nullable())
        .refine(
          (values) => Object.keys(values).length <= 2 * RESOURCE_LIMITS.envVariables,
          `must contain at most ${2 * RESOURCE_LIMITS.envVariables} variables`,
        )
        .meta({ examples: [{ DATABASE_URL: 'postgres://shop@db/shop', OLD_NAME: null }] }),
    ),
  })
  .meta({ id: 'UpdateEnvironment' });
export type UpdateEnvironment = z.infer<typeof UpdateEnvironment>;

export const EnvVersion = z
  .object({
    version: z.int(),
    at: instant,
    by: auditParty,
    set: z.array(z.string()).describe('Names of the variables that were set'),
    removed: z.array(z.string()).describe('Names of the variables that were removed'),
    restoredFrom: z.int().nullable(),
  })
  .meta({ id: 'EnvVersion' });
export type EnvVersion = z.infer<typeof EnvVersion>;
