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
      .describe('To add at the Git host as a deploy key of the repository; null if there is none'),
    host: z.string().nullable().describe('Host of the repository; null if it is not fetched over ssh'),
    port: z.int().nullable(),
    hostKey: z
      .string()
      .nullable()
      .describe(
        'The only trusted key of that host; null until an owner or admin confirms one: until then the app is not deployed',
      ),
    createdAt: nullableInstant,
  })
  .meta({ id: 'DeployKey', title: 'A deploy key without its private key' });
export type DeployKey = z.infer<typeof DeployKey>;

export const GitHostCheck = z
  .object({
    hostKeys: z
      .array(z.string())
      .describe('The host keys received, to compare with those that the Git host publishes; empty if there were none'),
    message: z.string(),
  })
  .meta({ id: 'GitHostCheck' });
export type GitHostCheck = z.infer<typeof GitHostCheck>;

export const ConfirmGitHost = z
  .strictObject({
    host: z.string().max(RESOURCE_LIMITS.url).describe('As shown: refused if the repository has moved in the meantime'),
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
