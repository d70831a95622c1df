import { renewOver, revocationsIn } from '../credentials/guard-lease.ts';
import { judge } from '../credentials/judge.ts';
import { type BeatingLease, createLease, type Point } from '../credentials/lease.ts';
import type { CredentialRecord } from '../credentials/record.ts';
import { createRegistry } from '../credentials/registry.ts';
import { type Demand, grantedWordsOf, type RightsMask, wordsOf } from '../credentials/rights.ts';
import { createSmallMemory } from '../credentials/small-memory.ts';
import { createUsage } from '../credentials/usage.ts';
import type { FlatHeaders, Identity, Judge, Judgement } from './authorize.ts';
import { refusal } from './authorize.ts';
import { type Connection, connect } from './connection.ts';
import { DevpilotError } from './errors.ts';
import { NONE, OTHER, presentedIn } from './presented.ts';
import { secretKindOf } from './secret.ts';
import { sha256 } from './sha256.ts';

export interface Memory {
  readonly judge: Judge;
  /** The workspace whose credentials pass; null until the server has told it. */
  readonly workspaceId: () => string | null;
  /** Resolves true when judgements are made from memory for the first time, false when it was closed before. */
  ready(): Promise<boolean>;
  /** Reports the uses counted and gives the lease up. */
  close(): Promise<void>;
}

/** The lease that is asked for first; the server says how long it really is. */
const BOUND = 2000;
/** So that a use is reported within a second of the request. */
const FLUSH_EVERY = 400;
const AT_ONCE = 1000;
const CAPACITY = 100_000;
/** How long a guard that is refused keeps quiet, milliseconds. */
const QUIET = { first: 1000, most: 60_000 };

const LONGEST_SECRET = 128;

/** A timer that keeps no process alive. */
function schedule(delay: number, work: () => void): () => void {
  const timer: unknown = setTimeout(work, delay);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer as number);
}

/** What rights are in words; there are few of them, so each is put into words once. */
function createSpelling<Word>(spell: (rights: RightsMask) => Word[]): (rights: RightsMask) => readonly Word[] {
  const spelled = new Map<RightsMask, readonly Word[]>();
  return (rights) => {
    let words = spelled.get(rights);
    if (words === undefined) spelled.set(rights, (words = Object.freeze(spell(rights))));
    return words;
  };
}
const scopesOf = createSpelling((rights) => grantedWordsOf('access_token', rights));
const permissionsOf = createSpelling((rights) => wordsOf('api_key', rights));
const NO_WORDS: readonly never[] = Object.freeze([]);

function identityOf({ id, kind, name, workspace, rights }: CredentialRecord): Identity {
  return {
    credentialId: id,
    kind,
    name,
    workspaceId: workspace.id,
    scopes: kind === 'access_token' ? scopesOf(rights) : NO_WORDS,
    permissions: kind === 'api_key' ? permissionsOf(rights) : NO_WORDS,
  };
}

/** That a record passed: a class, so that who it was is put into words only for those who ask. */
class Passed {
  readonly allowed = true;
  readonly #record: CredentialRecord;
  #identity: Identity | null = null;

  constructor(record: CredentialRecord) {
    this.#record = record;
  }

  get identity(): Identity {
    return (this.#identity ??= identityOf(this.#record));
  }
}

const statusOf = (error: unknown): number => (error instanceof DevpilotError ? error.status : 0);

/**
 * Judges from memory under a lease of the server's (`docs/adr/0011-guards-are-nodes.md`): only what passes
 * is judged here. What is not remembered is read, once; everything else is asked about, so that refusals
 * are the server's own and in its activity log. Without the lease `ask` judges each request.
 */
export function createMemory(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly demand: Demand;
  readonly ask: (headers: FlatHeaders, client: string | null) => Promise<Judgement>;
  /** Where only one workspace's credentials are to pass, and it is not the key's, none do. */
  readonly workspace: string | undefined;
  readonly timeout: number;
  readonly capacity?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}): Memory {
  const { apiKey, demand, ask, workspace } = options;
  const own = sha256(apiKey);
  const closing = new AbortController();
  let connection: Connection | null = null;
  let first: Promise<boolean> | null = null;
  let workspaceId: string | null = null;
  /** The server's clock, and ours when it was asked: expiry is judged by the server's. */
  let told = { now: 0, asked: 0 };
  let quiet = { until: 0, pause: QUIET.first };
  let isLost = false;

  /** What the monotonic clock said last. */
  let read = 0;
  const monotonic = () => (read = performance.now());
  const serverTime = (at: number) => told.now + at - told.asked;
  const server = () => (connection ??= connect({ ...options, fetch: options.fetch }));

  const registry = createRegistry({
    read: (digest) => server().record(digest),
    lease: { holds: () => lease.holds() },
    memory: createSmallMemory(options.capacity ?? CAPACITY),
  });
  const usage = createUsage({ addUses: report }, '', registry.places);
  const lease: BeatingLease = createLease({
    renew: renewOver(beat),
    registry: {
      apply(revocation) {
        if (revocation.digest === null) registry.clear();
        else registry.apply(revocation);
        // The key that all of this rests on: whether it still is one, the next beat is told.
        if (revocation.digest === own || revocation.digest === null) lease.end();
      },
      clear: registry.clear,
    },
    bound: BOUND,
    clocks: { monotonic, wall: Date.now },
    schedule,
    random: Math.random,
    onError: lost,
    onBeat: () => {},
  });

  function lost(error: unknown): void {
    if (isLost || closing.signal.aborted) return;
    isLost = true;
    options.onError?.(error);
  }

  async function beat(applied: Point | null, moved: boolean) {
    const asked = monotonic();
    if (asked < quiet.until) throw new DevpilotError('unavailable', 'The guard was refused.', { status: 0 });
    try {
      const { answer, now: at } = await server().beat(applied, moved);
      quiet = { until: 0, pause: QUIET.first };
      if (!answer.granted) return answer;
      told = { now: at, asked };
      workspaceId = answer.workspaceId;
      isLost = false;
      return answer;
    } catch (error) {
      if (statusOf(error) >= 400 && statusOf(error) < 500) {
        // A key that was deleted, switched off or stripped of `read` judges nothing from now on.
        lease.end();
        quiet = { until: monotonic() + quiet.pause, pause: Math.min(QUIET.most, quiet.pause * 2) };
      }
      throw error;
    }
  }

  async function report(_guard: string, chunk: number, uses: Parameters<Connection['addUses']>[1]): Promise<void> {
    try {
      await server().addUses(chunk, uses);
    } catch (error) {
      // What the server can't read it never will; anything else is sent again.
      if (![400, 413, 422].includes(statusOf(error))) throw error;
      lost(error);
    }
  }

  /** Waits for news; tells whether this guard has come further by them. */
  async function hearOnce(): Promise<boolean> {
    const since = lease.applied();
    if (since === null || workspaceId === null) return false;
    const news = await server().news(since, closing.signal);
    if (news.whole) lease.hear(since, revocationsIn(news, workspaceId), news.through);
    if (!news.whole || news.revocations.length > 0) lease.wake();
    return lease.applied() !== since;
  }

  async function listen(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; ) {
      const asked = monotonic();
      const isOn = await hearOnce().catch(() => false);
      // An answer that came at once and told nothing new is as good as none.
      failures = isOn || monotonic() - asked > AT_ONCE ? 0 : Math.min(failures + 1, 7);
      if (failures === 0) continue;
      await new Promise<void>((resolve) => schedule(50 * 2 ** failures * (0.5 + Math.random()), resolve));
    }
  }

  function flushLater(): void {
    schedule(FLUSH_EVERY, () => {
      if (closing.signal.aborted) return;
      const done = usage.pendingCredentials() === 0 ? Promise.resolve() : usage.flush();
      void done.catch(() => undefined).then(flushLater);
    });
  }

  /** At the first request and not before: workers start nothing outside of one. */
  function start(): Promise<boolean> {
    if (first !== null) return first;
    first = lease.start(Number.POSITIVE_INFINITY);
    void first.then(listen);
    flushLater();
    return first;
  }

  function conclude(record: CredentialRecord, client: string | null, at: number): Judgement | null {
    if (workspace !== undefined && workspace !== record.workspace.id) return refusal('invalid_token');
    const passphrase = record.passphraseHash === null ? 'not_needed' : 'missing';
    if (judge(record, passphrase, demand, at) !== 'ok') return null;
    usage.count(record, client ?? '', Math.floor(at));
    return new Passed(record);
  }

  async function judgeUnknown(digest: string, headers: FlatHeaders, client: string | null): Promise<Judgement> {
    const record = await registry.find(digest).catch(() => undefined);
    if (record === null) return refusal('invalid_token');
    const judgement = record === undefined ? null : conclude(record, client, serverTime(monotonic()));
    return judgement ?? ask(headers, client);
  }

  async function askSafely(headers: FlatHeaders, client: string | null): Promise<Judgement> {
    // Before the first answer it is not known whose credentials pass.
    if (workspaceId === null && workspace === undefined) {
      await Promise.race([start(), new Promise((resolve) => schedule(options.timeout, () => resolve(false)))]);
    }
    return ask(headers, client);
  }

  return {
    judge(headers, client) {
      if (first === null) void start();
      const presented = presentedIn(headers);
      if (presented === NONE) return refusal('missing_credential');
      if (presented === OTHER) return askSafely(headers, client);
      if (presented.length > LONGEST_SECRET) return refusal('invalid_token');
      // Looked up before its form is checked: what is remembered has it.
      const digest = sha256(presented);
      const record = registry.remembered(digest);
      // Judged as of the instant at which the lease was found to hold.
      if (record !== null) return conclude(record, client, serverTime(read)) ?? ask(headers, client);
      const kind = secretKindOf(presented);
      if (kind === null || kind === 'session') return refusal('invalid_token');
      return lease.holds() ? judgeUnknown(digest, headers, client) : askSafely(headers, client);
    },
    workspaceId: () => workspaceId,
    ready: start,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await lease.stop();
      if (first === null) return;
      await usage.flush().catch(lost);
      await server()
        .leave()
        .catch(() => undefined);
    },
  };
}
