import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { MINUTE, SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type Outbound, OutboundError } from '../outbound/outbound.ts';

/** An issuer and the URL of its keys. If the URL is null, the one in the issuer's discovery document is used. */
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
   * Like `find`, for a token with an unknown key: reads the keys again, unless the last read succeeded less than a
   * minute ago or failed less than ten seconds ago.
   */
  findAgain(source: KeySource): Promise<KeySet>;
}

/** How long keys are used without reading them again. */
const FRESH_MS = 10 * MINUTE;
/** How long keys are used while the issuer cannot be reached. */
const STALE_MS = 60 * MINUTE;
/** Minimum time between a successful read and the next read for a token with an unknown key. */
const UNKNOWN_KEY_PAUSE_MS = MINUTE;
/** Minimum time between a failed read and the next read. */
const FAILURE_PAUSE_MS = 10 * SECOND;
const REQUEST_TIMEOUT_MS = 5 * SECOND;
/** Issuers publish a few keys of about 2 KB each. */
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;
const MAX_SOURCES = 1_000;
/**
 * Maximum lengths of a modulus (8,192 bits) and an exponent (64 bits) in base64url characters. Longer values make
 * verification slow.
 */
const MAX_MODULUS_LENGTH = 1_366;
const MAX_EXPONENT_LENGTH = 11;

/** The cached keys of one source. Times are in epoch milliseconds. */
interface CachedKeys {
  keys: KeySet | null;
  readAt: number;
  attemptedAt: number;
  /** Why the last read failed; empty if it succeeded. */
  failure: string;
  pending: Promise<void> | null;
}

interface Reader {
  readonly outbound: Outbound;
  readonly timeoutMs: number;
}

/** The members of a key that verification needs. Other members, such as a certificate URL, are never used. */
const KEY_MEMBERS = ['kty', 'kid', 'alg', 'use', 'key_ops', 'crv', 'x', 'y', 'n', 'e'] as const;

/** Returns the usable public keys of a JWK Set. Throws `OutboundError` if the document is not a JWK Set. Pure. */
function toKeySet(document: unknown): KeySet {
  const { keys } = (document ?? {}) as Partial<JSONWebKeySet>;
  if (!Array.isArray(keys)) throw new OutboundError('The response is not a JWK Set.');
  if (keys.length > MAX_KEYS) throw new OutboundError(`The JWK Set has more than ${MAX_KEYS} keys.`);
  const usable = keys.flatMap((key: unknown) => {
    if (typeof key !== 'object' || key === null) return [];
    const { kty, n, e } = key as JWK;
    // Symmetric keys (`oct`) are not usable: anyone who can read a published key could sign with it.
    if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return [];
    // Without `n` or `e`, the length is NaN, and the comparison is false.
    if (kty === 'RSA' && !(Number(n?.length) <= MAX_MODULUS_LENGTH && Number(e?.length) <= MAX_EXPONENT_LENGTH))
      return [];
    const usedMembers = KEY_MEMBERS.filter((name) => name in key).map((name) => [name, (key as JWK)[name]]);
    return [Object.fromEntries(usedMembers) as JWK];
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
  if (body.length >= MAX_BYTES) throw new OutboundError(`The response has ${MAX_BYTES / 1024} KiB or more.`);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new OutboundError('The response is not JSON.');
  }
}

/**
 * Returns the URL of the keys according to OpenID Connect Discovery 1.0, section 4. Only the document of an issuer with
 * `http` may name a URL with `http`. Throws `OutboundError`.
 */
async function discover(reader: Reader, issuer: string): Promise<string> {
  const document = await readJson(reader, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { issuer: namedIssuer, jwks_uri: url } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (namedIssuer !== issuer) throw new OutboundError('The discovery document names another issuer.');
  if (typeof url !== 'string') throw new OutboundError('The discovery document has no "jwks_uri".');
  if (!url.startsWith('https://') && !issuer.startsWith('http://'))
    throw new OutboundError('The "jwks_uri" in the discovery document must start with https://.');
  return url;
}

/**
 * Caches the keys of issuers by issuer and URL, so that a key is used only for the issuer that published it. Keys are
 * read again after ten minutes, and for tokens with unknown keys at most once per minute. Keys and key URLs in the
 * header of a token (`jwk`, `jku`, `x5u`) are ignored.
 */
export function createIssuerKeys(
  outbound: Outbound,
  clock: () => number,
  timeoutMs: number = REQUEST_TIMEOUT_MS,
): IssuerKeys {
  const reader: Reader = { outbound, timeoutMs };
  const entries = new Map<string, CachedKeys>();

  function entryOf({ issuer, jwksUrl }: KeySource): CachedKeys {
    const key = JSON.stringify([issuer, jwksUrl]);
    const entry = entries.get(key) ?? { keys: null, readAt: 0, attemptedAt: 0, failure: '', pending: null };
    entries.delete(key);
    entries.set(key, entry);
    const [oldest] = entries.keys();
    if (entries.size > MAX_SOURCES && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  async function read({ issuer, jwksUrl }: KeySource, entry: CachedKeys): Promise<void> {
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
    const pauseAfterSuccessMs = isUnknownKey ? UNKNOWN_KEY_PAUSE_MS : 0;
    const pauseMs = entry.failure === '' ? pauseAfterSuccessMs : FAILURE_PAUSE_MS;
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
