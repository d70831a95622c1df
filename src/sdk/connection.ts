import { CREDENTIAL_KINDS, GUARD_REPORT } from '../contract/words.ts';
import type { BeatAnswer, News } from '../credentials/guard-lease.ts';
import type { Point } from '../credentials/lease.ts';
import type { Digest, StoredCredential } from '../credentials/record.ts';
import type { PendingUses } from '../credentials/tally.ts';
import { DevpilotError } from './errors.ts';
import { createTransport } from './transport.ts';

/** What a guard says to the server and is told by it, with its API key. Every method throws `DevpilotError`. */
export interface Connection {
  /** `now`: the server's clock, epoch milliseconds, where a lease is granted. */
  beat(applied: Point | null, moved: boolean): Promise<{ readonly answer: BeatAnswer; readonly now: number }>;
  /** Answers when something was revoked in the workspace, or empty after a while. */
  news(after: Point, signal: AbortSignal): Promise<News>;
  record(digest: Digest): Promise<StoredCredential | null>;
  addUses(chunk: number, uses: readonly PendingUses[]): Promise<void>;
  leave(): Promise<void>;
}

/** The server answers after 20 s at the latest. */
const NEWS_WITHIN = 30_000;
const DIGEST_LENGTH = 32;

const encode = (digest: Digest): string => btoa(digest).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
const instant = (at: number): string => new Date(at).toISOString();

/** Random text of 128 bits in base64url. */
function randomName(): string {
  return encode(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** What answers must be what was agreed: something else in its place must open nothing. */
function wrong(): never {
  throw new DevpilotError('unexpected_answer', 'Something that is not Devpilot answered.', { status: 200 });
}

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
/** What the server takes as a client's address; an app can say anything. */
const isAddress = (text: string): boolean =>
  text.includes(':') ? /^[0-9A-Fa-f:.]{2,45}$/.test(text) && URL.canParse(`http://[${text}]`) : IPV4.test(text);

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : wrong();
const numberIn = (value: unknown): number =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : wrong();
const textIn = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : wrong());
const flagIn = (value: unknown): boolean => (typeof value === 'boolean' ? value : wrong());
const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : wrong());
const instantIn = (value: unknown): number => {
  const at = Date.parse(textIn(value));
  return Number.isNaN(at) ? wrong() : at;
};

function pointIn(value: unknown): Point {
  const { history, number, id } = fieldsOf(value);
  return { history: textIn(history), number: numberIn(number), id: typeof id === 'string' ? id : wrong() };
}

function digestIn(value: unknown): Digest {
  const text = textIn(value);
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return wrong();
  const digest = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return digest.length === DIGEST_LENGTH ? digest : wrong();
}

function newsIn(fields: Fields): News {
  const revocations = listIn(fields['revocations']).map((one) => {
    const { number, digest } = fieldsOf(one);
    return { number: numberIn(number), digest: digest === null ? null : digestIn(digest) };
  });
  const { head, through, whole } = fields;
  return { head: pointIn(head), through: pointIn(through), whole: flagIn(whole), revocations };
}

/** Reads the answer to a beat. Throws `unexpected_answer`. */
export function readBeat(body: unknown): { readonly answer: BeatAnswer; readonly now: number } {
  const fields = fieldsOf(body);
  if (!flagIn(fields['granted'])) return { answer: { granted: false, ...newsIn(fields) }, now: 0 };
  const { confirmed, bound, workspaceId, now } = fields;
  return {
    answer: {
      granted: true,
      confirmed: pointIn(confirmed),
      bound: numberIn(bound),
      workspaceId: textIn(workspaceId),
    },
    now: instantIn(now),
  };
}

/** Throws `unexpected_answer`. */
export function readNews(body: unknown): News {
  return newsIn(fieldsOf(body));
}

/** Throws `unexpected_answer`. */
export function readRecord(body: unknown): StoredCredential | null {
  const { record } = fieldsOf(body);
  if (record === null) return null;
  const fields = fieldsOf(record);
  const expiresAt = fields['expiresAt'];
  return {
    kind: CREDENTIAL_KINDS.find((kind) => kind === fields['kind']) ?? wrong(),
    id: textIn(fields['id']),
    name: textIn(fields['name']),
    workspaceId: textIn(fields['workspaceId']),
    rights: listIn(fields['rights']).map(textIn),
    active: flagIn(fields['active']),
    expiresAt: expiresAt === null ? null : instantIn(expiresAt),
    createdAt: instantIn(fields['createdAt']),
    // The hash stays on the server: what has one is never judged here.
    passphraseHash: flagIn(fields['hasPassphrase']) ? '' : null,
  };
}

export function connect(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly timeout: number;
  readonly fetch: typeof fetch | undefined;
}): Connection {
  const { url, apiKey, timeout } = options;
  const { send } = createTransport({
    url,
    credential: apiKey,
    timeout,
    retries: 0,
    ...(options.fetch !== undefined && { fetch: options.fetch }),
  });
  const guard = randomName();
  return {
    beat: async (applied, moved) =>
      readBeat(await send('POST', '/v1/guards/beats', { body: { guard, applied, moved } })),
    news: async ({ history, number, id }, signal) => {
      const query = { guard, after: number, history, id };
      return readNews(await send('GET', '/v1/guards/revocations', { query, signal, timeout: NEWS_WITHIN }));
    },
    record: async (digest) =>
      readRecord(await send('POST', '/v1/guards/records', { body: { digest: encode(digest) } })),
    async addUses(chunk, uses) {
      const shown = uses.map(({ credentialId, count, lastUsedAt, addresses }) => ({
        credentialId,
        count: Math.min(count, GUARD_REPORT.usesOfOne),
        lastUsedAt: instant(lastUsedAt),
        addresses: addresses
          .filter(({ address }) => isAddress(address))
          .map(({ address, first, last }) => ({ address, first: instant(first), last: instant(last) })),
      }));
      await send('POST', '/v1/guards/uses', { body: { guard, chunk, uses: shown } });
    },
    leave: () => send('DELETE', `/v1/guards/${guard}`),
  };
}
