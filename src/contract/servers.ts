import { z } from 'zod';
import { id, matchingText, name, oneOf, slug, timestamps } from './fields.ts';
import { parseHostKey } from './host-key.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { SERVER_KINDS } from './vocabulary.ts';

// None of these can begin with `-`, so none is ever taken for an option.
const host = matchingText(
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/,
  RESOURCE_LIMITS.host,
  'takes a host name or an IP address',
  'web-1.example.com',
);
const port = z
  .int('takes a port from 1 to 65535')
  .min(1, 'takes a port from 1 to 65535')
  .max(65_535, 'takes a port from 1 to 65535')
  .meta({ examples: [22] });
export const serverUser = matchingText(
  /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/,
  32,
  'takes a user name of the server',
  'deploy',
);
const hostKey = z
  .string()
  .max(6000)
  .overwrite((text) => parseHostKey(text) ?? text)
  .refine((text) => parseHostKey(text) !== null, 'takes a public key in OpenSSH one-line form: ssh-ed25519 AAAA…')
  .meta({ examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam'] });

// Servers

export const Server = z
  .object({
    id,
    name: z.string(),
    slug: z.string(),
    kind: z.enum(SERVER_KINDS),
    host: z.string().nullable(),
    port: z.int().nullable(),
    user: z.string().nullable(),
    hostKey: z.string().nullable().describe('The host key that alone is trusted; without one nothing connects'),
    publicKey: z
      .string()
      .nullable()
      .describe("Devpilot's half of the key pair that is made with the server, for the user's authorized_keys"),
    confirmed: z
      .boolean()
      .describe(
        'False after a key created it, or after its host, port, user or host key changed, until an owner or admin confirms it: nothing runs on it before',
      ),
    ...timestamps,
  })
  .meta({ id: 'Server', title: 'A server, never its private key' });
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
export const ServerCheck = z
  .object({
    ok: z.boolean(),
    message: z.string(),
    hostKey: z.string().nullable().describe('The key that the host shows, to compare and pin; null if it shows none'),
  })
  .meta({ id: 'ServerCheck' });
export type ServerCheck = z.infer<typeof ServerCheck>;
