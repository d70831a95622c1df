import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createLeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import { ERROR_KEY_LIMITS, RESOURCE_LIMITS, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import {
  type ContentEncoding,
  createDecompressStream,
  decompressBody,
  encodingProblem,
  parseContentEncoding,
} from '../platform/content-encoding.ts';
import { type ByteReader, createByteReader } from '../platform/errors/byte-reader.ts';
import { createKeyRateLimiter } from '../platform/errors/error-keys.ts';
import { type Envelope, peekEnvelopeDsn, readEnvelope, readStoreBody } from '../platform/errors/sentry-envelope.ts';
import { findErrorKeyByPublicKey, type IngestKeyRow } from '../store/error-keys.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import { bodyStreamOf, type Route, rawBodyOf, route } from './route.ts';

const tag = 'Errors';
/**
 * The project ID that SDKs take from the DSN. It is ignored, because the error key determines the workspace and app.
 */
const ProjectParams = z.object({ any: z.string().max(64) });
const ENVELOPE_URL = '/api/:any/envelope/';
const STORE_URL = '/api/:any/store/';
const PUBLIC_KEY = /^[0-9a-f]{32}$/;
/** CORS headers that let a page of any origin submit errors and read the response. */
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

const MAX_AUTH_HEADER_LENGTH = 4096;
const headerText = (header: string | string[] | undefined) =>
  typeof header === 'string' ? header.slice(0, MAX_AUTH_HEADER_LENGTH) : '';

/**
 * Returns the headers that can contain `sentry_…` fields: `X-Sentry-Auth`, and `Authorization` with the scheme
 * `Sentry`.
 */
function authHeadersOf({ headers }: FastifyRequest): string[] {
  const authorization = headerText(headers.authorization);
  return [headerText(headers['x-sentry-auth']), /^sentry\s/i.test(authorization) ? authorization : ''];
}

/** Returns the values of a field in a header such as `Sentry sentry_key=…, sentry_timestamp=…`. */
function readAuthField(header: string, field: 'sentry_key' | 'sentry_timestamp'): string[] {
  return [...header.matchAll(/(?:^|[\s,])(sentry_\w{1,20})=([^\s,]+)/gi)]
    .filter(([, name]) => name?.toLowerCase() === field)
    .map((match) => match[2] ?? '');
}

/**
 * Returns the `publicKey` of an error key from the headers, from the query string (where browser SDKs send it), or
 * otherwise from the DSN in the header of an uncompressed envelope. Throws `missing_credential`, or `invalid_request`
 * for two different keys.
 */
async function publicKeyOf(request: FastifyRequest, envelope: ByteReader | null): Promise<string> {
  const { url = '' } = request.raw;
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const inHeaders = authHeadersOf(request).flatMap((header) => readAuthField(header, 'sentry_key'));
  const publicKeys = new Set([...query.getAll('sentry_key'), ...inHeaders]);
  if (publicKeys.size > 1)
    throw new Problem('invalid_request', 'The request contains more than one error key. Send exactly one.');
  const [key] = publicKeys;
  if (key !== undefined) return key;
  const dsn = envelope === null ? null : await peekEnvelopeDsn(envelope);
  if (dsn === null || !URL.canParse(dsn)) {
    throw new Problem(
      'missing_credential',
      'An error key is required. Configure the SDK with the DSN of an error key.',
    );
  }
  return new URL(dsn).username;
}

const MAX_ENVELOPE_BYTES = RESOURCE_LIMITS.errorEnvelopeBytes;

/** Passes a compressed envelope through. Throws `too_large` beyond its maximum size. */
async function* limitBytes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > MAX_ENVELOPE_BYTES) throw new Problem('too_large');
    yield chunk;
  }
}

/**
 * Reads a body while it is decompressed. Throws the errors of `read`, and `invalid_request` if the body does not have
 * this encoding.
 */
async function readCompressed<Result>(
  body: AsyncIterable<Uint8Array>,
  encoding: ContentEncoding,
  read: (reader: ByteReader) => Promise<Result>,
): Promise<Result> {
  const decompressed = createDecompressStream(encoding);
  const abortController = new AbortController();
  const decompressionError = pipeline(limitBytes(body), decompressed, { signal: abortController.signal }).catch(
    (error: unknown) => error,
  );
  try {
    return await read(createByteReader(decompressed, RESOURCE_LIMITS.errorEnvelopeUnpackedBytes));
  } catch (error) {
    if (error instanceof Problem) throw error;
    const cause = await decompressionError;
    throw cause instanceof Problem ? cause : encodingProblem(encoding);
  } finally {
    abortController.abort();
    await decompressionError;
  }
}

/**
 * Checks the origin of the page that sent a request, if the key has allowed origins: allows only this origin to read
 * the response, or throws `forbidden`.
 */
function checkOrigin(request: FastifyRequest, reply: FastifyReply, { allowed_origins }: IngestKeyRow): void {
  const allowed = JSON.parse(allowed_origins) as string[];
  const { origin } = request.headers;
  // Programs other than browsers send no `Origin`, or can send any.
  if (allowed.length === 0 || origin === undefined) return;
  if (!allowed.includes(origin)) {
    reply.removeHeader('access-control-allow-origin');
    throw new Problem('forbidden', 'The error key does not accept errors from pages of this origin.');
  }
  reply.header('access-control-allow-origin', origin);
}

/**
 * The routes to which Sentry SDKs submit errors. They accept only an error key, which can only submit
 * errors and may therefore appear in pages and query strings. Sessions, access tokens and API keys are not accepted
 * in its place; in the query string, they are refused with 400, as on every route.
 */
export function errorIngestRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const unknownKeyLimiter = createLeakyBucketLimiter(UNKNOWN_SECRET_LIMITS);
  const keyRateLimiter = createKeyRateLimiter(ERROR_KEY_LIMITS);

  async function requireKey(request: FastifyRequest, publicKey: string): Promise<IngestKeyRow> {
    const now = platform.clock();
    unknownKeyLimiter.check(clientAddressOf(request), now);
    const key = PUBLIC_KEY.test(publicKey) ? await findErrorKeyByPublicKey(platform.store, publicKey) : undefined;
    if (key !== undefined) return key;
    unknownKeyLimiter.count(clientAddressOf(request), now);
    throw new Problem(
      'invalid_token',
      'The error key was not found: it was deleted, or the DSN belongs to another Devpilot installation.',
    );
  }

  async function authorize(request: FastifyRequest, reply: FastifyReply, publicKey: string): Promise<IngestKeyRow> {
    const key = await requireKey(request, publicKey);
    checkOrigin(request, reply, key);
    keyRateLimiter.consume(key.id, platform.clock());
    return key;
  }

  async function storeErrors(key: IngestKeyRow, { eventId, errors }: Envelope): Promise<{ id?: string }> {
    const now = platform.clock();
    await Promise.all(
      errors.map((error) =>
        platform.errorIngest.ingest(key.workspace_id, { ...error, app: key.app_slug ?? error.app }, now, key.id),
      ),
    );
    return eventId === null ? {} : { id: eventId };
  }

  async function readSubmission(
    request: FastifyRequest,
    reply: FastifyReply,
    body: AsyncIterable<Uint8Array>,
  ): Promise<{ key: IngestKeyRow; envelope: Envelope }> {
    const encoding = parseContentEncoding(request.headers['content-encoding']);
    const read = (reader: ByteReader) => readEnvelope(reader, platform.clock());
    if (encoding === null) {
      const reader = createByteReader(body, MAX_ENVELOPE_BYTES);
      const key = await authorize(request, reply, await publicKeyOf(request, reader));
      return { key, envelope: await read(reader) };
    }
    // Nothing is decompressed before authentication.
    const key = await authorize(request, reply, await publicKeyOf(request, null));
    return { key, envelope: await readCompressed(body, encoding, read) };
  }

  async function submitEnvelope(request: FastifyRequest, reply: FastifyReply): Promise<{ id?: string }> {
    const body = bodyStreamOf(request);
    // Do not destroy a request that was not read completely, because then the response could not be sent.
    const chunks = body.iterator({ destroyOnReturn: false });
    try {
      const { key, envelope } = await readSubmission(request, reply, chunks);
      return await storeErrors(key, envelope);
    } finally {
      await chunks.return?.();
      body.resume();
    }
  }

  async function submitEvent(request: FastifyRequest, reply: FastifyReply): Promise<{ id?: string }> {
    const key = await authorize(request, reply, await publicKeyOf(request, null));
    const body = rawBodyOf(request);
    const bytes = await decompressBody(body, request.headers['content-encoding'], RESOURCE_LIMITS.errorStoreBytes);
    if (request.headers['content-type']?.toLowerCase().startsWith('application/x-sentry-envelope')) {
      const reader = createByteReader(Readable.from([bytes]), bytes.length);
      return storeErrors(key, await readEnvelope(reader, platform.clock()));
    }
    const [sentAt = null] = authHeadersOf(request).flatMap((header) => readAuthField(header, 'sentry_timestamp'));
    return storeErrors(key, await readStoreBody(bytes, platform.clock(), sentAt));
  }

  const commonFields = {
    access: { public: true, cors: CORS_HEADERS },
    ignoresQuery: true,
    tag,
    params: ProjectParams,
  } as const;
  const submissionFields = {
    ...commonFields,
    method: 'POST',
    description: 'The error key in the DSN authenticates the request.',
    bodyFormat: 'bytes',
    responses: { 200: z.object({ id: z.string().optional() }) },
    errorCodes: ['too_large', 'unsupported_media_type', 'missing_credential', 'invalid_token', 'forbidden'],
  } as const;
  const preflightRoute = (url: string): Route =>
    route({
      ...commonFields,
      method: 'OPTIONS',
      url,
      summary: 'Respond to a CORS preflight request',
      description: 'Browsers send it before a page of another origin reports errors.',
      responses: { 204: z.null().describe('The browser may send the request') },
      handler: ({ reply }) => reply.headers(PREFLIGHT_HEADERS).send(),
    });
  return [
    route({
      ...submissionFields,
      url: ENVELOPE_URL,
      summary: 'Report errors from a Sentry SDK',
      bodyLimit: MAX_ENVELOPE_BYTES,
      streamsBody: true,
      handler: ({ request, reply }) => submitEnvelope(request, reply),
    }),
    preflightRoute(ENVELOPE_URL),
    route({
      ...submissionFields,
      url: STORE_URL,
      summary: 'Report one error from an older Sentry SDK',
      bodyLimit: RESOURCE_LIMITS.errorStoreBytes,
      handler: ({ request, reply }) => submitEvent(request, reply),
    }),
    preflightRoute(STORE_URL),
  ];
}
