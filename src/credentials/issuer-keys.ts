import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { MINUTE, SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type Outbound, OutboundError } from '../outbound/outbound.ts';

/** An issuer and the URL of its keys; if that is null, the URL is in its discovery document. */
export interface KeySource {
  readonly issuer: string;
  readonly jwksUrl: string | null;
}

export type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface IssuerKeys {
  /**
   * Returns the keys of an issuer. Throws `unavailable` if they are not cached and the issuer cannot be reached or does
   * not send a JWK Set.
   */
  find(source: KeySource): Promise<KeySet>;
  /**
   * Like `find`, for a token with an unknown key: reads the keys again, unless that happened within the last minute.
   */
  findAgain(source: KeySource): Promise<KeySet>;
}

/** How long keys are used without reading them again, and how long if the issuer cannot be reached. */
const FRESH_MS = 10 * MINUTE;
const STALE_MS = 60 * MINUTE;
/** Minimum time between reads: for tokens with unknown keys, and after a failed read. */
const UNKNOWN_KEY_PAUSE_MS = MINUTE;
const FAILURE_PAUSE_MS = 10 * SECOND;
const REQUEST_TIMEOUT_MS = 5 * SECOND;
/** An issuer has a few keys of about 2 KB. */
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;
const MAX_SOURCES = 1_000;
/**
 * Maximum characters of a modulus (8,192 bits) and an exponent (64 bits) in base64url. Longer ones make verification
 * slow.
 */
const MAX_MODULUS_LENGTH = 1_366;
const MAX_EXPONENT_LENGTH = 11;

interface Entry {
  keys: KeySet | null;
  readAt: number;
  attemptedAt: number;
  failure: string;
  pending: Promise<void> | null;
}

interface Reader {
  readonly outbound: Outbound;
  readonly timeoutMs: number;
}

/** The members of a key that verification needs. Others, such as a URL of certificates, are never used. */
const MEMBERS = ['kty', 'kid', 'alg', 'use', 'key_ops', 'crv', 'x', 'y', 'n', 'e'] as const;

/** Returns the usable public keys of a JWK Set. Throws `OutboundError` if the document is not a JWK Set. Pure. */
function toKeySet(document: unknown): KeySet {
  const { keys } = (document ?? {}) as Partial<JSONWebKeySet>;
  if (!Array.isArray(keys)) throw new OutboundError('The response is not a JWK Set.');
  if (keys.length > MAX_KEYS) throw new OutboundError(`The JWK Set has more than ${MAX_KEYS} keys.`);
  const usable = keys.flatMap((key: unknown) => {
    if (typeof key !== 'object' || key === null) return [];
    const { kty, n, e } = key as JWK;
    // Not `oct`: a symmetric key of an issuer would be published, and anyone could sign with it.
    if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return [];
    if (kty === 'RSA' && !(Number(n?.length) <= MAX_MODULUS_LENGTH && Number(e?.length) <= MAX_EXPONENT_LENGTH))
      return [];
    return [Object.fromEntries(MEMBERS.flatMap((name) => (name in key ? [[name, (key as JWK)[name]]] : []))) as JWK];
  });
  return createLocalJWKSet({ keys: usable });
}

async function readJson({ outbound, timeoutMs }: Reader, url: string): Promise<unknown> {
  const { status, body } = await outbound.send({
    url,
    method: 'GET',
    headers: { accept: 'application/json', 'user-agent': 'Devpilot' },
    timeoutMs,
    maxResponseBytes: MAX_BYTES,
  });
  if (status !== 200) throw new OutboundError(`The response has the status ${status}.`);
  if (body.length >= MAX_BYTES) throw new OutboundError(`The response has more than ${MAX_BYTES / 1024} KiB.`);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new OutboundError('The response is not JSON.');
  }
}

/** Returns the URL of the keys by OpenID Connect Discovery 1.0, section 4. */
async function discover(reader: Reader, issuer: string): Promise<string> {
  const document = await readJson(reader, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { issuer: named, jwks_uri: url } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) throw new OutboundError('The discovery document names another issuer.');
  const isSecure = typeof url === 'string' && (url.startsWith('https://') || issuer.startsWith('http://'));
  if (!isSecure) throw new OutboundError('The discovery document has no https:// URL of keys.');
  return url;
}

/**
 * Caches the keys of issuers, by issuer and URL, so that a key is only ever used for the issuer that published it. They
 * are read again after ten minutes, and at most once per minute for tokens with unknown keys, however many of those
 * arrive. Locations of keys in a token (`jku`, `x5u`, `jwk`) are ignored.
 */
export function createIssuerKeys(
  outbound: Outbound,
  clock: () => number,
  timeoutMs: number = REQUEST_TIMEOUT_MS,
): IssuerKeys {
  const reader: Reader = { outbound, timeoutMs };
  const entries = new Map<string, Entry>();

  function entryOf({ issuer, jwksUrl }: KeySource): Entry {
    const key = JSON.stringify([issuer, jwksUrl]);
    const entry = entries.get(key) ?? { keys: null, readAt: 0, attemptedAt: 0, failure: '', pending: null };
    entries.delete(key);
    entries.set(key, entry);
    const [oldest] = entries.keys();
    if (entries.size > MAX_SOURCES && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  async function read({ issuer, jwksUrl }: KeySource, entry: Entry): Promise<void> {
    entry.attemptedAt = clock();
    entry.failure = '';
    try {
      const url = jwksUrl ?? (await discover(reader, issuer));
      entry.keys = toKeySet(await readJson(reader, url));
      entry.readAt = clock();
    } catch (error) {
      entry.failure = error instanceof OutboundError ? error.message : 'The JWK Set is not valid.';
    }
  }

  async function find(source: KeySource, isUnknownKey: boolean): Promise<KeySet> {
    const entry = entryOf(source);
    const elapsed = (since: number) => Math.abs(clock() - since);
    const isReadDue = entry.keys === null || elapsed(entry.readAt) >= FRESH_MS || isUnknownKey;
    const pauseMs = entry.failure === '' ? (isUnknownKey ? UNKNOWN_KEY_PAUSE_MS : 0) : FAILURE_PAUSE_MS;
    if (entry.pending !== null || (isReadDue && elapsed(entry.attemptedAt) >= pauseMs)) {
      entry.pending ??= read(source, entry).finally(() => {
        entry.pending = null;
      });
      await entry.pending;
    }
    if (entry.keys !== null && elapsed(entry.readAt) < STALE_MS) return entry.keys;
    const detail = `The keys of the issuer could not be read. ${entry.failure}`;
    throw new Problem('unavailable', detail.trim(), { retryAfter: FAILURE_PAUSE_MS / SECOND });
  }

  return { find: (source) => find(source, false), findAgain: (source) => find(source, true) };
}
