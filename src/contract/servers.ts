import { z } from 'zod';
import { id, matchingText, name, oneOf, slug, timestamps } from './fields.ts';
import { parseHostKey } from './host-key.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { SERVER_KINDS } from './platform-vocabulary.ts';

// None of these values can start with `-`, so that no command mistakes a value for an option.
const host = matchingText(
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9][A-Za-z0-9_.-]{0,14})?)$/,
  RESOURCE_LIMITS.host,
  'must be a host name or an IP address; a link-local address needs a zone, such as fe80::1%eth0',
  'web-1.example.com',
);
const port = z
  .int('must be a port from 1 to 65535')
  .min(1, 'must be a port from 1 to 65535')
  .max(65_535, 'must be a port from 1 to 65535')
  .meta({ examples: [22] });
export const serverUser = matchingText(
  /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/,
  32,
  'must be a user name of up to 32 characters: A-Z, a-z, 0-9, _, . and -, starting with a letter or _',
  'deploy',
);
export const hostKey = z
  .string()
  .max(6000)
  .overwrite((text) => parseHostKey(text) ?? text)
  .refine((text) => parseHostKey(text) !== null, 'must be a public key in OpenSSH one-line form: ssh-ed25519 AAAA…')
  .meta({ examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam'] });

export const Server = z
  .object({
    id,
    name: z.string(),
    slug: z.string(),
    kind: z.enum(SERVER_KINDS),
    host: z.string().nullable(),
    port: z.int().nullable(),
    user: z.string().nullable(),
    hostKey: z
      .string()
      .nullable()
      .describe('The only host key that Devpilot trusts. It does not sign in before one is pinned'),
    offeredHostKey: z
      .string()
      .nullable()
      .describe(
        'The host key that the last check received instead of the pinned one. Nothing is sent to the host until an owner or admin accepts it',
      ),
    publicKey: z
      .string()
      .nullable()
      .describe("Devpilot's public key for this server. Add it to the user's `authorized_keys`"),
    confirmed: z
      .boolean()
      .describe(
        'Whether commands can run on the server. False after an API key created it or pinned its first host key, or after any edit of its host, port, user or pinned host key, until an owner or admin confirms it',
      ),
    ...timestamps,
  })
  .meta({ id: 'Server', title: 'A server, without its private key' });
export type Server = z.infer<typeof Server>;
export const CreateServer = z
  .strictObject({
    name,
    slug: slug.optional(),
    kind: oneOf(SERVER_KINDS),
    host: host.nullable().optional(),
    port: port.nullable().optional(),
    user: serverUser.nullable().optional(),
    hostKey: hostKey.nullable().optional(),
  })
  .meta({ id: 'CreateServer' });
export type CreateServer = z.infer<typeof CreateServer>;
export const UpdateServer = z
  .strictObject({
    name: name.optional(),
    host: host.optional(),
    port: port.optional(),
    user: serverUser.optional(),
    hostKey: hostKey.nullable().optional(),
  })
  .meta({ id: 'UpdateServer' });
export type UpdateServer = z.infer<typeof UpdateServer>;
export const AcceptHostKey = z
  .strictObject({
    hostKey: hostKey.describe('The `offeredHostKey` of the server. Compare it with the key on the server first'),
  })
  .meta({ id: 'AcceptHostKey' });
export type AcceptHostKey = z.infer<typeof AcceptHostKey>;
const ServerResources = z.object({
  disks: z
    .array(z.object({ directory: z.string(), totalBytes: z.int(), freeBytes: z.int() }))
    .describe('Disk space for the directories of its apps (at most 20), or for `/` if no app has a directory'),
  memory: z.object({ totalBytes: z.int(), availableBytes: z.int() }).nullable(),
  load: z.array(z.number()).nullable().describe('Load averages over 1, 5 and 15 minutes'),
  cpuCount: z.int().nullable(),
});
export type ServerResources = z.infer<typeof ServerResources>;
export const ServerCheck = z
  .object({
    ok: z.boolean(),
    message: z.string(),
    hostKey: z.string().nullable().describe('The received host key, to compare and pin; null if none was received'),
    hostKeys: z
      .array(z.string())
      .describe(
        'The received host keys, one per type, the preferred key first. One of them can be pinned. If the pinned key was received, only that one',
      ),
    resources: ServerResources.nullable().describe('Null if the server is not confirmed or did not respond in time'),
  })
  .meta({ id: 'ServerCheck' });
export type ServerCheck = z.infer<typeof ServerCheck>;
