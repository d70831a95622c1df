import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RevocationFeedPage } from '../authorization/guard-lease.ts';
import type { Digest } from '../authorization/record.ts';
import { digestFromBytes, digestToBytes } from '../authorization/secret.ts';
import {
  GuardHeartbeat,
  GuardHeartbeatResponse,
  GuardPath,
  GuardRecord,
  GuardRecordRequest,
  GuardRevocationFeed,
  GuardRevocationQuery,
  GuardUses,
} from '../contract/guards.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import { filterCredentialIds } from '../store/credentials.ts';
import type { AppContext } from './app-context.ts';
import { credentialOf } from './principal.ts';
import { type Route, route } from './route.ts';

const tag = 'Guards';
const access = { guard: true, key: ['read'] } as const;
/** Maximum body size of a report of uses: 500 credentials with 20 addresses and all rights each. */
const MAX_USES_BODY_BYTES = 2 * 1_048_576;

const encodeDigest = (digest: Digest): string => Buffer.from(digestToBytes(digest)).toString('base64url');
const decodeDigest = (text: string): Digest => digestFromBytes(Buffer.from(text, 'base64url'));

function serializeFeedPage({ head, revocations, through, whole }: RevocationFeedPage) {
  const encoded = revocations.map(({ number, digest }) => ({
    number,
    digest: digest === null ? null : encodeDigest(digest),
  }));
  return { head, revocations: encoded, through, whole };
}

/**
 * Returns the identity of the guard that sent a request. It includes the ID of the API key, so that one key cannot act
 * as a guard of another key.
 */
function guardIdentityOf(request: FastifyRequest, guard: string) {
  const { record } = credentialOf(request);
  return { id: `${record.id}.${guard}`, workspaceId: record.workspace.id };
}

/** Routes for guards in other processes. They give access only to the workspace of the guard's API key. */
export function guardRoutes(context: AppContext): Route[] {
  const { guards, clock } = context;
  return [
    route({
      method: 'POST',
      url: '/v1/guards/beats',
      access,
      summary: "Acquire or renew a guard's lease",
      tag,
      body: GuardHeartbeat,
      logFailuresOnly: true,
      responses: { 200: GuardHeartbeatResponse },
      handler: async ({ body: { guard, applied, moved }, request }): Promise<GuardHeartbeatResponse> => {
        const { id, workspaceId } = guardIdentityOf(request, guard);
        const response = await guards.renewLease({ id, workspaceId, applied, advanced: moved });
        if (response.granted) return { ...response, now: toIsoString(clock()) };
        return { granted: false, ...serializeFeedPage(response) };
      },
    }),
    route({
      method: 'GET',
      url: '/v1/guards/revocations',
      access,
      summary: 'Wait for revocations',
      description: 'Responds when a credential of the workspace is revoked, or after a while without revocations.',
      tag,
      query: GuardRevocationQuery,
      logFailuresOnly: true,
      responses: { 200: GuardRevocationFeed },
      handler: async ({ query: { guard, after, history, id = '' }, request }) =>
        serializeFeedPage(
          await guards.waitForRevocations(guardIdentityOf(request, guard), { history, number: Number(after), id }),
        ),
    }),
    route({
      method: 'POST',
      url: '/v1/guards/records',
      access,
      summary: 'Get the record of a credential',
      description: 'Finds a credential of the workspace by the SHA-256 of its secret.',
      tag,
      body: GuardRecordRequest,
      logFailuresOnly: true,
      responses: { 200: GuardRecord },
      handler: async ({ body, request }): Promise<GuardRecord> => {
        const { record: key } = credentialOf(request);
        // A guard that is rate-limited here lets `/v1/authorize` decide, which limits unknown secrets per address of
        // the guard's client.
        context.guardLookupLimiter.check(key.id, clock());
        const record = await guards.findRecord(key.workspace.id, decodeDigest(body.digest));
        if (record === null) {
          context.guardLookupLimiter.count(key.id, clock());
          return { record: null };
        }
        const { kind, id, name, workspaceId, passphraseHash, createdAt, restrictions = null } = record;
        return {
          record: {
            kind,
            id,
            name,
            workspaceId,
            rights: record.rights as NonNullable<GuardRecord['record']>['rights'],
            // A credential with restrictions is reported as inactive: a guard accepts only active credentials itself
            // and lets the server, which checks restrictions, decide on the others.
            active: record.active && restrictions === null,
            hasPassphrase: passphraseHash !== null,
            expiresAt: toIsoStringOrNull(record.expiresAt),
            createdAt: toIsoString(createdAt),
          },
        };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/guards/uses',
      access,
      summary: 'Report the uses counted by a guard',
      tag,
      body: GuardUses,
      bodyLimit: MAX_USES_BODY_BYTES,
      // Sufficient for the maximum number of credentials, each with the maximum number of addresses and all rights.
      jsonLimits: { depth: 6, values: 60_000 },
      longArray: 'uses',
      logFailuresOnly: true,
      responses: { 204: z.null().describe('The uses are counted. A repeated chunk is counted once') },
      handler: async ({ body: { guard, chunk, uses }, request }) => {
        const { id, workspaceId } = guardIdentityOf(request, guard);
        const ownCredentialIds = await filterCredentialIds(
          context.store.read,
          workspaceId,
          uses.map(({ credentialId }) => credentialId),
        );
        const now = clock();
        // Another process can have a wrong clock: its uses must not be in the future or more than a day old.
        const clampTime = (text: string) => Math.max(Math.min(Date.parse(text), now), now - DAY);
        const acceptedUses = uses.flatMap(({ credentialId, count, lastUsedAt, addresses, rights = [] }) => {
          if (!ownCredentialIds.has(credentialId)) return [];
          const clampedAddresses = addresses.map(({ address, first, last }) => ({
            address,
            first: clampTime(first),
            last: clampTime(last),
          }));
          const countedRights = rights.map((right) => ({ ...right, app: null, count: Math.min(right.count, count) }));
          return [
            {
              credentialId,
              count,
              lastUsedAt: clampTime(lastUsedAt),
              addresses: clampedAddresses,
              rights: countedRights,
            },
          ];
        });
        await context.recordGuardUses(id, chunk, acceptedUses);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/guards/:guard',
      access,
      summary: "Release a guard's lease",
      tag,
      params: GuardPath,
      responses: { 204: z.null().describe('Lease released') },
      handler: async ({ params: { guard }, request }) => {
        await guards.releaseLease(guardIdentityOf(request, guard).id);
      },
    }),
  ];
}
