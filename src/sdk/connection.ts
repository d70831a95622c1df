import type { HeartbeatResponse, RevocationFeedPage } from '../authorization/guard-lease.ts';
import type { RevocationPoint } from '../authorization/lease.ts';
import type { Digest, StoredCredential } from '../authorization/record.ts';
import type { PendingUses } from '../authorization/usage-counters.ts';
import { GUARD_REPORT_LIMITS } from '../contract/limits.ts';
import { CREDENTIAL_KINDS } from '../contract/vocabulary.ts';
import { DevpilotError } from './errors.ts';
import { createTransport } from './transport.ts';

/** The requests that a guard sends to the server with its API key. A failed request throws `DevpilotError`. */
export interface GuardConnection {
  /**
   * Requests a lease; `applied` and `advanced` are explained at `createLeaseRenewal`. In the result, `now` is the
   * server's clock in epoch milliseconds; 0 if no lease is granted.
   */
  sendHeartbeat(
    applied: RevocationPoint | null,
    advanced: boolean,
  ): Promise<{ readonly response: HeartbeatResponse; readonly now: number }>;
  /** Resolves when a credential of the workspace is revoked, or with an empty page when the long poll times out. */
  waitForRevocations(after: RevocationPoint, signal: AbortSignal): Promise<RevocationFeedPage>;
  /** Returns null if the workspace has no credential with this digest. */
  findRecord(digest: Digest): Promise<StoredCredential | null>;
  /** Reports uses. `chunk` increases with each report; the server counts a report that is sent again only once. */
  reportUses(chunk: number, uses: readonly PendingUses[]): Promise<void>;
  releaseLease(): Promise<void>;
}

/** The server responds to a long poll within 20 s. */
const LONG_POLL_TIMEOUT_MS = 30_000;
const DIGEST_BYTES = 32;

/** Encodes a string of characters U+0000–U+00FF, one per byte, such as a digest. */
const toBase64Url = (bytes: string): string => btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const toIsoString = (epochMs: number): string => new Date(epochMs).toISOString();

/** Returns 128 random bits in base64url. */
function randomGuardId(): string {
  return toBase64Url(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** Rejects a response that does not match the contract, so that no other server at Devpilot's URL can grant a lease. */
function throwUnexpectedAnswer(): never {
  throw new DevpilotError('unexpected_answer', 'The response did not come from Devpilot.', { status: 200 });
}

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
/** Returns whether the server would accept the text as a client address. Apps may pass any text. */
const isAddress = (text: string): boolean =>
  text.includes(':') ? /^[0-9A-Fa-f:.]{2,45}$/.test(text) && URL.canParse(`http://[${text}]`) : IPV4.test(text);

type Fields = Readonly<Record<string, unknown>>;
const parseObject = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : throwUnexpectedAnswer();
const parseNumber = (value: unknown): number =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : throwUnexpectedAnswer();
const parseText = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : throwUnexpectedAnswer();
const parseFlag = (value: unknown): boolean => (typeof value === 'boolean' ? value : throwUnexpectedAnswer());
const parseList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : throwUnexpectedAnswer());
const parseInstant = (value: unknown): number => {
  const epochMs = Date.parse(parseText(value));
  return Number.isNaN(epochMs) ? throwUnexpectedAnswer() : epochMs;
};

function parsePoint(value: unknown): RevocationPoint {
  const { history, number, id } = parseObject(value);
  return {
    history: parseText(history),
    number: parseNumber(number),
    id: typeof id === 'string' ? id : throwUnexpectedAnswer(),
  };
}

function parseDigest(value: unknown): Digest {
  const text = parseText(value);
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return throwUnexpectedAnswer();
  const digest = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return digest.length === DIGEST_BYTES ? digest : throwUnexpectedAnswer();
}

function parseFeedPage(fields: Fields): RevocationFeedPage {
  const revocations = parseList(fields['revocations']).map((revocation) => {
    const { number, digest } = parseObject(revocation);
    return { number: parseNumber(number), digest: digest === null ? null : parseDigest(digest) };
  });
  const { head, through, whole } = fields;
  return { head: parsePoint(head), through: parsePoint(through), whole: parseFlag(whole), revocations };
}

/** Parses a heartbeat response. Throws `unexpected_answer`. */
export function parseHeartbeatResponse(body: unknown): { readonly response: HeartbeatResponse; readonly now: number } {
  const fields = parseObject(body);
  if (!parseFlag(fields['granted'])) return { response: { granted: false, ...parseFeedPage(fields) }, now: 0 };
  const { confirmed, bound, workspaceId, now } = fields;
  return {
    response: {
      granted: true,
      confirmed: parsePoint(confirmed),
      bound: parseNumber(bound),
      workspaceId: parseText(workspaceId),
    },
    now: parseInstant(now),
  };
}

/** Parses a page of the revocation feed. Throws `unexpected_answer`. */
export function parseRevocations(body: unknown): RevocationFeedPage {
  return parseFeedPage(parseObject(body));
}

/** Parses the response to a lookup of a record; null if there is none. Throws `unexpected_answer`. */
export function parseRecord(body: unknown): StoredCredential | null {
  const { record } = parseObject(body);
  if (record === null) return null;
  const fields = parseObject(record);
  const expiresAt = fields['expiresAt'];
  return {
    kind: CREDENTIAL_KINDS.find((kind) => kind === fields['kind']) ?? throwUnexpectedAnswer(),
    id: parseText(fields['id']),
    name: parseText(fields['name']),
    workspaceId: parseText(fields['workspaceId']),
    rights: parseList(fields['rights']).map(parseText),
    active: parseFlag(fields['active']),
    expiresAt: expiresAt === null ? null : parseInstant(expiresAt),
    createdAt: parseInstant(fields['createdAt']),
    // The hash stays on the server: a credential with a passphrase is never authorized from the cache.
    passphraseHash: parseFlag(fields['hasPassphrase']) ? '' : null,
  };
}

/** Creates the connection of a guard, which identifies itself by a new random ID. */
export function connectGuard(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly timeout: number;
  readonly fetch: typeof fetch | undefined;
}): GuardConnection {
  const { url, apiKey, timeout } = options;
  const { send } = createTransport({
    url,
    credential: apiKey,
    timeout,
    retries: 0,
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  });
  const guard = randomGuardId();
  return {
    sendHeartbeat: async (applied, advanced) =>
      parseHeartbeatResponse(await send('POST', '/v1/guards/beats', { body: { guard, applied, moved: advanced } })),
    waitForRevocations: async ({ history, number, id }, signal) => {
      const query = { guard, after: number, history, id };
      return parseRevocations(
        await send('GET', '/v1/guards/revocations', { query, signal, timeout: LONG_POLL_TIMEOUT_MS }),
      );
    },
    findRecord: async (digest) =>
      parseRecord(await send('POST', '/v1/guards/records', { body: { digest: toBase64Url(digest) } })),
    async reportUses(chunk, uses) {
      const reportedUses = uses.map(({ credentialId, count, lastUsedAt, addresses, rights }) => ({
        credentialId,
        count: Math.min(count, GUARD_REPORT_LIMITS.usesPerCredential),
        lastUsedAt: toIsoString(lastUsedAt),
        addresses: addresses
          .filter(({ address }) => isAddress(address))
          .map(({ address, first, last }) => ({ address, first: toIsoString(first), last: toIsoString(last) })),
        rights: rights.map(({ right, count: usesOfRight }) => ({
          right,
          count: Math.min(usesOfRight, GUARD_REPORT_LIMITS.usesPerCredential),
        })),
      }));
      const sendReport = (report: readonly object[]) =>
        send('POST', '/v1/guards/uses', { body: { guard, chunk, uses: report } });
      try {
        await sendReport(reportedUses);
      } catch (error) {
        // An earlier version of the server does not know `rights`, and rejects unknown fields.
        if (!(error instanceof DevpilotError && error.code === 'validation_failed')) throw error;
        await sendReport(reportedUses.map(({ rights: _, ...knownFields }) => knownFields));
      }
    },
    releaseLease: () => send('DELETE', `/v1/guards/${guard}`),
  };
}
