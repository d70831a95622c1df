/** Schemas of commit statuses. Runs in browsers and on the server. */
import { z } from 'zod';
import { oneOf } from './fields.ts';
import { COMMIT_STATUS_APIS } from './git-hosts.ts';
import { nullableInstant } from './instant.ts';
import { RESOURCE_LIMITS } from './limits.ts';

export const CommitStatus = z
  .object({
    kind: z.enum(COMMIT_STATUS_APIS).nullable().describe('API of the Git host; null if no statuses are reported'),
    url: z.string().nullable().describe('Base URL of the API of the Git host'),
    error: z
      .string()
      .nullable()
      .describe('Why the last status could not be reported; null if the Git host accepted it or none was reported'),
    updatedAt: nullableInstant,
  })
  .meta({ id: 'CommitStatus', title: 'Where commit statuses are reported, without the token' });
export type CommitStatus = z.infer<typeof CommitStatus>;

export const SetCommitStatus = z
  .strictObject({
    token: z
      .string()
      .min(1, 'must be a token')
      .max(RESOURCE_LIMITS.repositoryPassword)
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
      .meta({ examples: ['a-token-of-the-Git-host'] })
      .describe('Token of the Git host. Encrypted at rest, never returned, and sent only to `url`'),
    kind: oneOf(COMMIT_STATUS_APIS)
      .optional()
      .describe(
        'API of the Git host. Required unless the repository is on github.com, gitlab.com, codeberg.org or gitea.com. For Forgejo, use `gitea`',
      ),
    url: z
      .string()
      .max(RESOURCE_LIMITS.url)
      .optional()
      .describe(
        "Base URL of the API. Defaults to the API on the repository's host, such as `https://git.example.com/api/v4`",
      ),
  })
  .meta({ id: 'SetCommitStatus', examples: [{ token: 'a-token-of-the-Git-host', kind: 'gitlab' }] });
export type SetCommitStatus = z.infer<typeof SetCommitStatus>;
