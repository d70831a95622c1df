import { z } from 'zod';
import {
  GuardBeat,
  GuardBeatAnswer,
  GuardNews,
  GuardNewsQuery,
  GuardPath,
  GuardRecord,
  GuardRecordRequest,
  GuardUses,
} from '../contract/guards.ts';
import { DAY } from '../contract/words.ts';
import type { News } from '../credentials/guard-lease.ts';
import type { Digest } from '../credentials/record.ts';
import { digestBytes, digestOfBytes } from '../credentials/secret.ts';
import { instant, maybeInstant } from '../credentials/show.ts';
import { credentialIdsOf } from '../store/credentials.ts';
import type { House } from './house.ts';
import { credentialOf, type Route, route } from './route.ts';

const tag = 'Guards';
const access = { guard: true, key: ['read'] } as const;
/** A report of 500 credentials with 20 addresses each. */
const USES_LIMIT = 2 * 1_048_576;

const encode = (digest: Digest): string => Buffer.from(digestBytes(digest)).toString('base64url');
const decode = (text: string): Digest => digestOfBytes(Buffer.from(text, 'base64url'));

function shown({ head, revocations, through, whole }: News) {
  const told = revocations.map(({ number, digest }) => ({ number, digest: digest === null ? null : encode(digest) }));
  return { head, revocations: told, through, whole };
}

/** The guard of a request: known by its key too, so that no key's holder speaks for another's guard. */
function guardOf(request: Parameters<typeof credentialOf>[0], guard: string) {
  const { record } = credentialOf(request);
  return { id: `${record.id}.${guard}`, workspaceId: record.workspace.id };
}

/** What guards in other processes ask: always about the workspace of their own API key, and no other. */
export function guardRoutes(house: House): Route[] {
  const { guards, clock } = house;
  return [
    route({
      method: 'POST',
      url: '/v1/guards/beats',
      access,
      summary: 'Take or renew the lease of a guard',
      tag,
      body: GuardBeat,
      frequent: true,
      answers: { 200: GuardBeatAnswer },
      handler: async ({ body: { guard, applied, moved }, request }): Promise<GuardBeatAnswer> => {
        const { id, workspaceId } = guardOf(request, guard);
        const answer = await guards.beat({ id, workspaceId, applied, moved });
        if (answer.granted) return { ...answer, now: instant(clock()) };
        return { granted: false, ...shown(answer) };
      },
    }),
    route({
      method: 'GET',
      url: '/v1/guards/revocations',
      access,
      summary: 'Wait for what is revoked in the workspace',
      tag,
      query: GuardNewsQuery,
      frequent: true,
      answers: { 200: GuardNews },
      handler: async ({ query: { guard, after, history, id = '' }, request }) =>
        shown(await guards.wait(guardOf(request, guard), { history, number: Number(after), id })),
    }),
    route({
      method: 'POST',
      url: '/v1/guards/records',
      access,
      summary: 'What judging needs of a credential of the workspace, by the digest of its secret',
      tag,
      body: GuardRecordRequest,
      frequent: true,
      answers: { 200: GuardRecord },
      handler: async ({ body, request }): Promise<GuardRecord> => {
        const { record: key } = credentialOf(request);
        // A guard that is told to wait asks about the request, which its own client's address is held to.
        house.unknownToGuards.check(key.id, clock());
        const found = await guards.record(key.workspace.id, decode(body.digest));
        if (found === null) {
          house.unknownToGuards.note(key.id, clock());
          return { record: null };
        }
        const { kind, id, name, workspaceId, active, passphraseHash, createdAt } = found;
        const rights = found.rights as NonNullable<GuardRecord['record']>['rights'];
        const expiresAt = maybeInstant(found.expiresAt);
        const hasPassphrase = passphraseHash !== null;
        const facts = { kind, id, name, workspaceId, rights, active, hasPassphrase, expiresAt };
        return { record: { ...facts, createdAt: instant(createdAt) } };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/guards/uses',
      access,
      summary: 'Report the uses that a guard has counted',
      tag,
      body: GuardUses,
      bodyLimit: USES_LIMIT,
      // A report of the most uses, each from the most addresses.
      jsonLimits: { depth: 6, values: 50_000 },
      longArray: 'uses',
      frequent: true,
      answers: { 204: z.null().describe('Counted, once') },
      handler: async ({ body: { guard, chunk, uses }, request, reply }) => {
        const { id, workspaceId } = guardOf(request, guard);
        const own = await credentialIdsOf(
          house.store.read,
          workspaceId,
          uses.map(({ credentialId }) => credentialId),
        );
        const now = clock();
        // No clock of another process dates a use into the future, or among the days of long ago.
        const at = (text: string) => Math.max(Math.min(Date.parse(text), now), now - DAY);
        const counted = uses.flatMap(({ credentialId, count, lastUsedAt, addresses }) => {
          if (!own.has(credentialId)) return [];
          const seen = addresses.map(({ address, first, last }) => ({ address, first: at(first), last: at(last) }));
          return [{ credentialId, count, lastUsedAt: at(lastUsedAt), addresses: seen }];
        });
        await house.addUses(id, chunk, counted);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/guards/:guard',
      access,
      summary: 'Give the lease of a guard up',
      tag,
      params: GuardPath,
      answers: { 204: z.null().describe('Nobody waits for it') },
      handler: async ({ params: { guard }, request, reply }) => {
        await guards.leave(guardOf(request, guard).id);
        return reply.code(204).send();
      },
    }),
  ];
}
