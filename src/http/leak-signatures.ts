import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { MINUTE } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';

/** The keys that verify signatures of reports: the URL of a document in GitHub's format, or the keys themselves. */
export type LeakKeySource = { readonly url: string } | { readonly keys: readonly KeyObject[] };

/**
 * Verifies that a report is signed with one of the configured keys. Throws `forbidden`, or `unavailable` if the keys
 * cannot be fetched.
 */
export type VerifyLeakSignature = (headers: IncomingHttpHeaders, body: Buffer) => Promise<void>;

const PublishedKeys = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string().max(255), key: z.string().max(4096) })).max(100),
});

/** Minimum time between two fetches of the keys. */
const REFRESH_INTERVAL_MS = MINUTE;

/** Parses a public key in PEM. Returns null unless it is a key for ECDSA on P-256. */
export function parseLeakKey(pem: string): KeyObject | null {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null;
  }
}

/** Fetches a document with a GET request. */
export type FetchDocument = (url: string) => Promise<{ readonly status: number; readonly body: Buffer }>;

async function fetchKeys(fetchDocument: FetchDocument, url: string): Promise<ReadonlyMap<string, KeyObject>> {
  const { status, body } = await fetchDocument(url);
  if (status !== 200) throw new Error(`The response has the status ${status}.`);
  const { public_keys: entries } = PublishedKeys.parse(JSON.parse(body.toString()));
  return new Map(
    entries.flatMap(({ key_identifier: id, key: pem }) => {
      const key = parseLeakKey(pem);
      return key === null ? [] : [[id, key]];
    }),
  );
}

/**
 * Creates a verifier for the signatures of GitHub's secret scanning: ECDSA (P-256, SHA-256) of the unparsed body in
 * `Github-Public-Key-Signature`, with the key that `Github-Public-Key-Identifier` names. If the keys themselves are
 * configured, they have no names, and a signature with any of them is valid.
 */
export function createLeakSignatureVerifier(
  source: LeakKeySource,
  fetchDocument: FetchDocument,
  clock: () => number,
): VerifyLeakSignature {
  let keysById: ReadonlyMap<string, KeyObject> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;
  /** The error of the last fetch; null if it succeeded. */
  let failure: unknown = null;

  async function refresh(url: string): Promise<void> {
    fetchedAt = clock();
    try {
      keysById = await fetchKeys(fetchDocument, url);
      failure = null;
    } catch (error) {
      failure = error;
    }
  }

  async function keysFor(id: string): Promise<readonly KeyObject[]> {
    if ('keys' in source) return source.keys;
    if (!keysById.has(id) && clock() - fetchedAt >= REFRESH_INTERVAL_MS) {
      fetching ??= refresh(source.url).finally(() => {
        fetching = null;
      });
    }
    if (!keysById.has(id)) await fetching;
    const key = keysById.get(id);
    if (key !== undefined) return [key];
    if (failure === null) return [];
    throw new Problem('unavailable', 'The keys that verify reports cannot be fetched. Try again later.', {
      cause: failure,
    });
  }

  return async (headers, body) => {
    const { 'github-public-key-identifier': id, 'github-public-key-signature': signature } = headers;
    if (typeof id !== 'string' || typeof signature !== 'string' || signature.length > 1024) {
      throw new Problem('forbidden', 'Reports must be signed.');
    }
    const signatureBytes = Buffer.from(signature, 'base64');
    const keys = await keysFor(id);
    if (keys.some((key) => verify('sha256', body, key, signatureBytes))) return;
    throw new Problem('forbidden', 'The signature of the report is not valid.');
  };
}
