import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createUnknownSecretLimiter } from '../authorization/unknown-secret-limiter.ts';
import { ERROR_KEY_LIMITS, RESOURCE_LIMITS, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { createKeyRateLimiter } from '../platform/errors/error-keys.ts';
import {
  decompress,
  type Envelope,
  readEnvelope,
  readEnvelopeDsn,
  readStoredEvent,
} from '../platform/errors/sentry-envelope.ts';
import { findErrorKeyByPublicKey, type IngestKeyRow } from '../store/error-keys.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import { type Route, rawBodyOf, route } from './route.ts';

const tag = 'Errors';
const ProjectParams = z.object({ any: z.string().max(64) });
const PUBLIC_KEY = /^[0-9a-f]{32}$/;
/** CORS headers that let a page of another origin submit and read the result. */
const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, X-Request-Id',
  vary: 'Origin',
};
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers':
    'X-Sentry-Auth, Content-Type, Content-Encoding, X-Requested-With, Authorization, Sentry-Trace, Baggage, Traceparent',
  'access-control-max-age': '86400',
};

function publicKeysInHeader(header: string | string[] | undefined): string[] {
  const text = typeof header === 'string' ? header.slice(0, 4096) : '';
  return [...text.matchAll(/(?:^|[\s,])sentry_key=([^\s,]+)/gi)].map((match) => match[1] ?? '');
}

/**
 * The public key of a request, from `X-Sentry-Auth`, from the query string, where browser SDKs send it, or otherwise
 * from the DSN in the header of an uncompressed envelope. Throws `missing_credential`, or `invalid_request` for two
 * keys.
 */
async function publicKeyOf(request: FastifyRequest, isEnvelope: boolean): Promise<string> {
  const { url = '' } = request.raw;
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const publicKeys = new Set([...query.getAll('sentry_key'), ...publicKeysInHeader(request.headers['x-sentry-auth'])]);
  if (publicKeys.size > 1)
    throw new Problem('invalid_request', 'The request contains more than one error key. Send exactly one.');
  const [key] = publicKeys;
  if (key !== undefined) return key;
  const isPlain = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity';
  const dsn = isEnvelope && isPlain ? await readEnvelopeDsn(rawBodyOf(request)) : null;
  if (dsn === null || !URL.canParse(dsn)) {
    throw new Problem('missing_credential', 'An error key is required: configure the SDK with the DSN of one.');
  }
  return new URL(dsn).username;
}

/** Lets a page of this origin read the response. Throws `forbidden` for an origin that the key does not allow. */
function checkOrigin(request: FastifyRequest, reply: FastifyReply, { allowed_origins }: IngestKeyRow): void {
  const allowed = JSON.parse(allowed_origins) as string[];
  const { origin } = request.headers;
  // Requests from servers have no origin. The header is reliable in browsers only.
  if (allowed.length === 0 || origin === undefined) return;
  if (!allowed.includes(origin)) {
    reply.removeHeader('access-control-allow-origin');
    throw new Problem('forbidden', 'The error key does not accept errors from pages of this origin.');
  }
  reply.header('access-control-allow-origin', origin);
}

/**
 * The routes to which Sentry SDKs submit. They accept only the public key of an error key. It can submit and nothing
 * else, so it may appear in pages and query strings. No other credential is accepted, and one in the query string is
 * refused as on every route.
 */
export function errorIngestRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const unknownKeyLimiter = createUnknownSecretLimiter(UNKNOWN_SECRET_LIMITS);
  const keyRateLimiter = createKeyRateLimiter(ERROR_KEY_LIMITS);

  async function findKey(request: FastifyRequest, publicKey: string): Promise<IngestKeyRow> {
    const now = platform.clock();
    unknownKeyLimiter.check(clientAddressOf(request), now);
    const found = PUBLIC_KEY.test(publicKey) ? await findErrorKeyByPublicKey(platform.store, publicKey) : undefined;
    if (found !== undefined) return found;
    unknownKeyLimiter.recordUnknown(clientAddressOf(request), now);
    throw new Problem(
      'invalid_token',
      'The error key was not found. It was deleted, or the DSN belongs to another server.',
    );
  }

  async function submit(
    request: FastifyRequest,
    reply: FastifyReply,
    parse: ((body: Buffer, now: number) => Promise<Envelope>) | null,
  ): Promise<{ id?: string }> {
    const key = await findKey(request, await publicKeyOf(request, parse === null));
    checkOrigin(request, reply, key);
    const now = platform.clock();
    keyRateLimiter.consume(key.id, now);
    const bytes = await decompress(rawBodyOf(request), request.headers['content-encoding']);
    const { eventId, errors } = await (parse ?? readEnvelope)(bytes, now);
    await Promise.all(
      errors.map((error) =>
        platform.errorIngest.ingest(key.workspace_id, { ...error, app: key.app_slug ?? error.app }, now, key.id),
      ),
    );
    return eventId === null ? {} : { id: eventId };
  }

  const commonFields = {
    access: { public: true, cors: CORS_HEADERS },
    ignoresQuery: true,
    tag,
    params: ProjectParams,
  } as const;
  return (['envelope', 'store'] as const).flatMap((endpoint) => [
    route({
      ...commonFields,
      method: 'POST',
      url: `/api/:any/${endpoint}/`,
      summary:
        endpoint === 'envelope'
          ? 'Report errors from a Sentry SDK, with the public key of an error key'
          : 'Report one error from an older Sentry SDK, with the public key of an error key',
      bodyFormat: 'bytes',
      bodyLimit: RESOURCE_LIMITS.errorEnvelopeBytes,
      responses: { 200: z.object({ id: z.string().optional() }) },
      errorCodes: ['too_large', 'unsupported_media_type', 'missing_credential', 'invalid_token', 'forbidden'],
      handler: ({ request, reply }) => submit(request, reply, endpoint === 'store' ? readStoredEvent : null),
    }),
    route({
      ...commonFields,
      method: 'OPTIONS',
      url: `/api/:any/${endpoint}/`,
      summary: 'Answer the CORS preflight request of a page that reports errors',
      responses: { 204: z.null().describe('Allowed') },
      handler: ({ reply }) => reply.headers(PREFLIGHT_HEADERS).send(),
    }),
  ]);
}
