/** Schemas of deploy keys. Runs in browsers and on the server. */
import { z } from 'zod';
import { nullableInstant } from './instant.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { hostKey } from './servers.ts';

export const DeployKey = z
  .object({
    publicKey: z
      .string()
      .nullable()
      .describe('Public key to add on the Git host as a deploy key of the repository; null if there is none'),
    host: z.string().nullable().describe('Host of the repository; null if the repository is not fetched over SSH'),
    port: z.int().nullable(),
    hostKey: z
      .string()
      .nullable()
      .describe(
        'The only trusted key of the host. Null until an owner or admin confirms one; the app cannot be deployed before that',
      ),
    createdAt: nullableInstant,
  })
  .meta({ id: 'DeployKey', title: 'A deploy key, without its private key' });
export type DeployKey = z.infer<typeof DeployKey>;

export const GitHostCheck = z
  .object({
    hostKeys: z
      .array(z.string())
      .describe(
        'The received host keys. Compare them with the keys that the Git host publishes. Empty if none was received',
      ),
    message: z.string(),
  })
  .meta({ id: 'GitHostCheck' });
export type GitHostCheck = z.infer<typeof GitHostCheck>;

export const ConfirmGitHost = z
  .strictObject({
    host: z
      .string()
      .max(RESOURCE_LIMITS.url)
      .describe(
        'The `host` of the deploy key. The request is refused if the repository has moved to another host since',
      ),
    port: z.int(),
    hostKey,
  })
  .meta({
    id: 'ConfirmGitHost',
    examples: [
      {
        host: 'git.example.com',
        port: 22,
        hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam',
      },
    ],
  });
export type ConfirmGitHost = z.infer<typeof ConfirmGitHost>;
