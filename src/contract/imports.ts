import { z } from 'zod';
import { scopes } from './access-tokens.ts';
import { permissions } from './api-keys.ts';
import { expiry } from './credentials.ts';
import { booleanParameter, description, id, matchingText, name } from './fields.ts';
import { IMPORT_LIMITS } from './limits.ts';
import { RestrictionsInput } from './restrictions.ts';
import { CREDENTIAL_KINDS } from './vocabulary.ts';

const digest = matchingText(
  /^[0-9a-f]{64}$/i,
  64,
  'must be the SHA-256 digest of the secret as 64 hexadecimal digits; never send a secret itself',
  '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
);
const commonFields = { digest, name, expiresAt: expiry.optional(), restrictions: RestrictionsInput.optional() };

export const ImportedCredential = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('access_token'), ...commonFields, scopes }),
    z.strictObject({
      kind: z.literal('api_key'),
      ...commonFields,
      description: description.optional(),
      permissions,
      active: z.boolean().optional(),
    }),
  ],
  { error: `must be one of: ${CREDENTIAL_KINDS.join(', ')}` },
);
export type ImportedCredential = z.infer<typeof ImportedCredential>;

const { credentials: maxCredentials } = IMPORT_LIMITS;

export const ImportCredentials = z
  .strictObject({
    credentials: z
      .array(ImportedCredential)
      .min(1, 'must contain at least one credential')
      .max(maxCredentials, `must contain at most ${maxCredentials} credentials`),
  })
  .meta({ id: 'ImportCredentials' });
export type ImportCredentials = z.infer<typeof ImportCredentials>;

export const ImportQuery = z.strictObject({
  dryRun: booleanParameter.optional().describe('Whether to run all checks of an import without importing anything'),
});

export const CredentialImport = z
  .object({
    dryRun: z.boolean(),
    credentials: z
      .array(z.object({ id, kind: z.enum(CREDENTIAL_KINDS), name: z.string() }))
      .describe('The imported credentials, in the order of the request; empty for a dry run'),
  })
  .meta({ id: 'CredentialImport' });
export type CredentialImport = z.infer<typeof CredentialImport>;
