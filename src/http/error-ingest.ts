import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { ERROR_KEY_LIMITS, RESOURCE_LIMITS, UNKNOWN_LIMITS } from '../contract/words.ts';
import { createUnknowns } from '../credentials/unknowns.ts';
import { findByPublicKey, type SubmittingKeyRow } from '../store/error-keys.ts';
import { dsnOfEnvelope, type Envelope, readEnvelope, readStoredEvent, unpack } from '../workspace/envelope.ts';
import { createKeyRates } from '../workspace/error-keys.ts';
import type { House } from './house.ts';
import { bytesOf, type Route, route } from './route.ts';

const tag = 'Errors';
const InPath = z.object({ any: z.string().max(64) });
const PUBLIC_KEY = /^[0-9a-f]{32}$/;
/** What a browser must be told before it lets a page of another origin submit, and read what became of it. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, X-Request-Id',
  vary: 'Origin',
};
const PREFLIGHT = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers':
    'X-Sentry-Auth, Content-Type, Content-Encoding, X-Requested-With, Authorization, Sentry-Trace, Baggage, Traceparent',
  'access-control-max-age': '86400',
};

function keysInHeader(header: string | string[] | undefined): string[] {
  const text = typeof header === 'string' ? header.slice(0, 4096) : '';
  return [...text.matchAll(/(?:^|[\s,])sentry_key=([^\s,]+)/gi)].map((match) => match[1] ?? '');
}

/**
 * The public key that a request names: in `X-Sentry-Auth`, in the query as SDKs of browsers do, or, where in neither,
 * in the DSN in the header of an envelope that is not packed. Throws `missing_credential`, and `invalid_request` for two.
 */
async function publicKeyOf(request: FastifyRequest, isEnvelope: boolean): Promise<string> {
  const { url = '' } = request.raw;
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const named = new Set([...query.getAll('sentry_key'), ...keysInHeader(request.headers['x-sentry-auth'])]);
  if (named.size > 1) throw new Problem('invalid_request', 'The request names more than one error key.');
  const [key] = named;
  if (key !== undefined) return key;
  const isPlain = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity';
  const dsn = isEnvelope && isPlain ? await dsnOfEnvelope(bytesOf(request)) : null;
  if (dsn === null || !URL.canParse(dsn)) {
    throw new Problem('missing_credential', 'Name an error key: configure the SDK with the DSN of one.');
  }
  return new URL(dsn).username;
}

/** Lets a page of this origin read the answer. Throws `forbidden` for an origin that the key does not allow. */
function checkOrigin(request: FastifyRequest, reply: FastifyReply, { allowed_origins }: SubmittingKeyRow): void {
  const allowed = JSON.parse(allowed_origins) as string[];
  const { origin } = request.headers;
  // Servers send none: what an origin says is only true of browsers.
  if (allowed.length === 0 || origin === undefined) return;
  if (!allowed.includes(origin)) {
    reply.removeHeader('access-control-allow-origin');
    throw new Problem('forbidden', 'The error key does not take errors from pages of this origin.');
  }
  reply.header('access-control-allow-origin', origin);
}

/**
 * Where Sentry SDKs submit. The public key of an error key is all that is read of who asks: it submits and nothing
 * else, so it may stand in pages and in a query. No credential opens this, and one in the query is refused as everywhere.
 */
export function errorIngestRoutes(house: House): Route[] {
  const { workspace } = house;
  const unknown = createUnknowns(UNKNOWN_LIMITS);
  const rates = createKeyRates(ERROR_KEY_LIMITS);

  async function findKey(request: FastifyRequest, publicKey: string): Promise<SubmittingKeyRow> {
    const now = workspace.clock();
    unknown.check(request.ip, now);
    const found = PUBLIC_KEY.test(publicKey) ? await findByPublicKey(workspace.store, publicKey) : undefined;
    if (found !== undefined) return found;
    unknown.note(request.ip, now);
    throw new Problem('invalid_token', 'There is no such error key. It was deleted, or the DSN is not of this server.');
  }

  async function submit(
    request: FastifyRequest,
    reply: FastifyReply,
    read: ((body: Buffer, now: number) => Promise<Envelope>) | null,
  ): Promise<{ id?: string }> {
    const key = await findKey(request, await publicKeyOf(request, read === null));
    checkOrigin(request, reply, key);
    const now = workspace.clock();
    rates.take(key.id, now);
    const bytes = await unpack(bytesOf(request), request.headers['content-encoding']);
    const { eventId, errors } = await (read ?? readEnvelope)(bytes, now);
    await Promise.all(
      errors.map((error) =>
        workspace.reports.take(key.workspace_id, { ...error, app: key.app_slug ?? error.app }, now, key.id),
      ),
    );
    return eventId === null ? {} : { id: eventId };
  }

  const shared = {
    access: { public: true, cors: CORS },
    tag,
    params: InPath,
  } as const;
  return (['envelope', 'store'] as const).flatMap((what) => [
    route({
      ...shared,
      method: 'POST',
      url: `/api/:any/${what}/`,
      summary:
        what === 'envelope'
          ? 'Report errors as Sentry SDKs do, with the public key of an error key'
          : 'Report one error as older Sentry SDKs do, with the public key of an error key',
      takes: 'bytes',
      bodyLimit: RESOURCE_LIMITS.errorEnvelope,
      answers: { 200: z.object({ id: z.string().optional() }) },
      codes: ['too_large', 'unsupported_media_type', 'missing_credential', 'invalid_token', 'forbidden'],
      handler: ({ request, reply }) => submit(request, reply, what === 'store' ? readStoredEvent : null),
    }),
    route({
      ...shared,
      method: 'OPTIONS',
      url: `/api/:any/${what}/`,
      summary: 'Tell browsers that pages of other origins may report errors',
      answers: { 204: z.null().describe('They may') },
      handler: ({ reply }) => reply.code(204).headers(PREFLIGHT).send(),
    }),
  ]);
}
