import { z } from 'zod';
import { instant, nullableInstant } from './instant.ts';
import { GUARD_REPORT_LIMITS } from './limits.ts';
import { CREDENTIAL_KINDS, PERMISSIONS, SCOPES } from './vocabulary.ts';

/**
 * Messages between servers and guards (`@devpilot/sdk/guard` in the mode `lease`). See
 * `docs/adr/0011-guards-are-nodes.md`.
 */

const guard = z
  .string()
  .regex(/^[A-Za-z0-9_-]{22}$/, 'must be 22 characters of base64url')
  .describe('Random name of the guard; a new name each time that its process starts')
  .meta({ examples: ['q3Zr9yF0T2mJwXk7B1dNhA'] });
const digest = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the SHA-256 of a secret in base64url')
  .describe('SHA-256 of the secret, base64url')
  .meta({ examples: ['ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'] });
const revocationNumber = z.int().min(0);
const address = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }).meta({ examples: ['192.0.2.7'] });

const history = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the history from an earlier response')
  .describe(
    'Identifies the database of the server. A restored database has a new history, because it can lack revocations',
  )
  .meta({ examples: ['Zk3vX0pQ9aTrb2LhUeWm1g'] });
const revocationId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{0,64}$/, 'must be the id from an earlier response')
  .describe('Random ID of the revocation with this number; empty if there is none')
  .meta({ examples: ['pV7cQ2mJwXk7B1dNhAq3Zr'] });
const revocationPoint = z
  .strictObject({ history, number: revocationNumber, id: revocationId })
  .meta({ id: 'RevocationPoint' });

export const GuardPath = z.object({ guard });

export const GuardHeartbeat = z
  .strictObject({
    guard,
    applied: revocationPoint
      .nullable()
      .describe('Point up to which the guard has applied all revocations; null if its cache is empty'),
    moved: z.boolean().describe('Whether revocations were applied since the last heartbeat'),
  })
  .meta({ id: 'GuardHeartbeat' });

const revocationFeedFields = {
  head: revocationPoint.describe('The latest revocation on the server'),
  revocations: z
    .array(z.object({ number: revocationNumber, digest: digest.nullable() }))
    .describe('Revocations in the workspace, in order; a null digest revokes the whole workspace'),
  through: revocationPoint.describe('Point up to which the list is complete'),
  whole: z
    .boolean()
    .describe('False if older revocations are missing or the history has changed: the guard must clear its cache'),
};
export const GuardRevocationFeed = z.object(revocationFeedFields).meta({ id: 'GuardRevocationFeed' });
export const GuardHeartbeatResponse = z
  .discriminatedUnion('granted', [
    z.object({
      granted: z.literal(true),
      confirmed: revocationPoint.describe(
        'The latest revocation on the server. The guard has applied all revocations up to it',
      ),
      bound: z.int().positive().describe('Duration of the lease in milliseconds'),
      now: instant.describe("Current time of the server's clock"),
      workspaceId: z.string(),
    }),
    z.object({ granted: z.literal(false), ...revocationFeedFields }),
  ])
  .meta({ id: 'GuardHeartbeatResponse' });
export type GuardHeartbeatResponse = z.infer<typeof GuardHeartbeatResponse>;

export const GuardRevocationQuery = z.strictObject({
  guard,
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number of up to 15 digits')
    .describe('Number of the revocation after which revocations are listed')
    .meta({ examples: ['41'] }),
  history,
  id: revocationId.optional(),
});

export const GuardRecordRequest = z.strictObject({ digest }).meta({ id: 'GuardRecordRequest' });
export const GuardRecord = z
  .object({
    record: z
      .object({
        kind: z.enum(CREDENTIAL_KINDS),
        id: z.string(),
        name: z.string(),
        workspaceId: z.string(),
        rights: z.array(z.enum([...SCOPES, ...PERMISSIONS])),
        active: z.boolean(),
        hasPassphrase: z.boolean(),
        expiresAt: nullableInstant,
        createdAt: instant,
      })
      .nullable()
      .describe('Null if the workspace has no such credential'),
  })
  .meta({ id: 'GuardRecord' });
export type GuardRecord = z.infer<typeof GuardRecord>;

const useCount = z
  .int()
  .min(1)
  .max(GUARD_REPORT_LIMITS.usesPerCredential, `must be at most ${GUARD_REPORT_LIMITS.usesPerCredential} in one report`);

export const GuardUses = z
  .strictObject({
    guard,
    chunk: z
      .int()
      .min(1)
      .max(Number.MAX_SAFE_INTEGER)
      .describe('Increasing number of the report; a repeated chunk is counted once'),
    uses: z
      .array(
        z.strictObject({
          credentialId: z.string().max(40),
          count: useCount,
          lastUsedAt: instant,
          addresses: z
            .array(z.strictObject({ address, first: instant, last: instant }))
            .max(GUARD_REPORT_LIMITS.addressesPerCredential),
          rights: z
            .array(z.strictObject({ right: z.enum([...SCOPES, ...PERMISSIONS]), count: useCount }))
            .max(GUARD_REPORT_LIMITS.rightsPerCredential)
            .optional()
            .describe('Uses per scope or permission that the guard required'),
        }),
      )
      .min(1)
      .max(GUARD_REPORT_LIMITS.credentials),
  })
  .meta({ id: 'GuardUses' });
