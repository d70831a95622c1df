import { decide } from '../authorization/decision.ts';
import { renewOverConnection, toRevokedRecords } from '../authorization/guard-lease.ts';
import { createLease, type RenewingLease, type RevocationPoint } from '../authorization/lease.ts';
import { createObjectRecordCache } from '../authorization/object-record-cache.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import { createRecordRegistry } from '../authorization/registry.ts';
import { effectiveRightNamesOf, type Requirement, type RightsMask, rightNamesOf } from '../authorization/rights.ts';
import { createUsageRecorder } from '../authorization/usage-recorder.ts';
import { connectGuard, type GuardConnection } from './connection.ts';
import { DevpilotError } from './errors.ts';
import { LEFT_TO_SERVER, NO_CREDENTIAL, readHeaderCredential } from './header-credential.ts';
import type { Authorize, GuardDecision, Identity, RawHeaders } from './remote-authorizer.ts';
import { createRefusal } from './remote-authorizer.ts';
import { secretKindOf } from './secret.ts';
import { sha256 } from './sha256.ts';

export interface LeaseAuthorizer {
  readonly authorize: Authorize;
  /** The workspace whose credentials pass; null until the server has told it. */
  readonly workspaceId: () => string | null;
  /** Resolves true when judgements are made from memory for the first time, false when it was closed before. */
  ready(): Promise<boolean>;
  /** Reports the uses counted and gives the lease up. */
  close(): Promise<void>;
}

/** The lease that is asked for first; the server says how long it really is. */
const INITIAL_LEASE_MS = 2000;
/** So that a use is reported within a second of the request. */
const FLUSH_INTERVAL_MS = 400;
const IMMEDIATE_ANSWER_MS = 1000;
const DEFAULT_CAPACITY = 100_000;
/** How long a guard that is refused keeps quiet, milliseconds. */
const REFUSED_BACKOFF_MS = { first: 1000, most: 60_000 };

const MAX_SECRET_LENGTH = 128;

/** A timer that keeps no process alive. */
function scheduleTimer(delay: number, work: () => void): () => void {
  const timer: unknown = setTimeout(work, delay);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer as number);
}

/** What rights are in words; there are few of them, so each is put into words once. */
function memoizeNames<Word>(toNames: (rights: RightsMask) => Word[]): (rights: RightsMask) => readonly Word[] {
  const names = new Map<RightsMask, readonly Word[]>();
  return (rights) => {
    let words = names.get(rights);
    if (words === undefined) names.set(rights, (words = Object.freeze(toNames(rights))));
    return words;
  };
}
const scopesOf = memoizeNames((rights) => effectiveRightNamesOf('access_token', rights));
const permissionsOf = memoizeNames((rights) => rightNamesOf('api_key', rights));
const NO_NAMES: readonly never[] = Object.freeze([]);

function identityOf({ id, kind, name, workspace, rights }: CredentialRecord): Identity {
  return {
    credentialId: id,
    kind,
    name,
    workspaceId: workspace.id,
    scopes: kind === 'access_token' ? scopesOf(rights) : NO_NAMES,
    permissions: kind === 'api_key' ? permissionsOf(rights) : NO_NAMES,
  };
}

/** That a record passed: a class, so that who it was is put into words only for those who ask. */
class AllowedDecision {
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
export function createLeaseAuthorizer(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly requirement: Requirement;
  readonly askServer: (headers: RawHeaders, client: string | null) => Promise<GuardDecision>;
  /** Where only one workspace's credentials are to pass, and it is not the key's, none do. */
  readonly workspace: string | undefined;
  readonly timeout: number;
  readonly capacity?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}): LeaseAuthorizer {
  const { apiKey, requirement, askServer, workspace } = options;
  const ownDigest = sha256(apiKey);
  const closing = new AbortController();
  let connection: GuardConnection | null = null;
  let firstLease: Promise<boolean> | null = null;
  let workspaceId: string | null = null;
  /** The server's clock, and ours when it was asked: expiry is judged by the server's. */
  let serverClock = { now: 0, asked: 0 };
  let backoff = { until: 0, pause: REFUSED_BACKOFF_MS.first };
  let isErrorReported = false;

  /** What the monotonic clock said last. */
  let lastMonotonicMs = 0;
  const monotonic = () => (lastMonotonicMs = performance.now());
  const serverTime = (monotonicMs: number) => serverClock.now + monotonicMs - serverClock.asked;
  const server = () => (connection ??= connectGuard({ ...options, fetch: options.fetch }));

  const registry = createRecordRegistry({
    read: (digest) => server().findRecord(digest),
    lease: { holds: () => lease.holds() },
    cache: createObjectRecordCache(options.capacity ?? DEFAULT_CAPACITY),
  });
  const usageRecorder = createUsageRecorder({ addUses: reportUses }, '', registry.counterSlots);
  const lease: RenewingLease = createLease({
    renew: renewOverConnection(sendHeartbeat),
    registry: {
      apply(revocation) {
        if (revocation.digest === null) registry.clear();
        else registry.apply(revocation);
        // The key that all of this rests on: whether it still is one, the next beat is told.
        if (revocation.digest === ownDigest || revocation.digest === null) lease.end();
      },
      clear: registry.clear,
    },
    bound: INITIAL_LEASE_MS,
    clocks: { monotonic, wall: Date.now },
    schedule: scheduleTimer,
    random: Math.random,
    onError: reportError,
    onHeartbeat: () => {},
  });

  function reportError(error: unknown): void {
    if (isErrorReported || closing.signal.aborted) return;
    isErrorReported = true;
    options.onError?.(error);
  }

  async function sendHeartbeat(applied: RevocationPoint | null, moved: boolean) {
    const sentAtMs = monotonic();
    if (sentAtMs < backoff.until) throw new DevpilotError('unavailable', 'The guard was rejected.', { status: 0 });
    try {
      const { answer, now: serverNowMs } = await server().sendHeartbeat(applied, moved);
      backoff = { until: 0, pause: REFUSED_BACKOFF_MS.first };
      if (!answer.granted) return answer;
      serverClock = { now: serverNowMs, asked: sentAtMs };
      workspaceId = answer.workspaceId;
      isErrorReported = false;
      return answer;
    } catch (error) {
      if (statusOf(error) >= 400 && statusOf(error) < 500) {
        // A key that was deleted, switched off or stripped of `read` judges nothing from now on.
        lease.end();
        backoff = { until: monotonic() + backoff.pause, pause: Math.min(REFUSED_BACKOFF_MS.most, backoff.pause * 2) };
      }
      throw error;
    }
  }

  async function reportUses(
    _guard: string,
    chunk: number,
    uses: Parameters<GuardConnection['reportUses']>[1],
  ): Promise<void> {
    try {
      await server().reportUses(chunk, uses);
    } catch (error) {
      // What the server can't read it never will; anything else is sent again.
      if (![400, 413, 422].includes(statusOf(error))) throw error;
      reportError(error);
    }
  }

  /** Waits for news; tells whether this guard has come further by them. */
  async function pollRevocations(): Promise<boolean> {
    const since = lease.applied();
    if (since === null || workspaceId === null) return false;
    const feedPage = await server().waitForRevocations(since, closing.signal);
    if (feedPage.whole) lease.applyRevocations(since, toRevokedRecords(feedPage, workspaceId), feedPage.through);
    if (!feedPage.whole || feedPage.revocations.length > 0) lease.renewNow();
    return lease.applied() !== since;
  }

  async function followRevocations(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; ) {
      const sentAtMs = monotonic();
      const hasAdvanced = await pollRevocations().catch(() => false);
      // An answer that came at once and told nothing new is as good as none.
      failures = hasAdvanced || monotonic() - sentAtMs > IMMEDIATE_ANSWER_MS ? 0 : Math.min(failures + 1, 7);
      if (failures === 0) continue;
      await new Promise<void>((resolve) => scheduleTimer(50 * 2 ** failures * (0.5 + Math.random()), resolve));
    }
  }

  function flushLater(): void {
    scheduleTimer(FLUSH_INTERVAL_MS, () => {
      if (closing.signal.aborted) return;
      const done = usageRecorder.pendingCredentials() === 0 ? Promise.resolve() : usageRecorder.flush();
      void done.catch(() => undefined).then(flushLater);
    });
  }

  /** At the first request and not before: workers start nothing outside of one. */
  function start(): Promise<boolean> {
    if (firstLease !== null) return firstLease;
    firstLease = lease.start(Number.POSITIVE_INFINITY);
    void firstLease.then(followRevocations);
    flushLater();
    return firstLease;
  }

  function decideFromRecord(record: CredentialRecord, client: string | null, nowMs: number): GuardDecision | null {
    if (workspace !== undefined && workspace !== record.workspace.id) return createRefusal('invalid_token');
    const passphrase = record.passphraseHash === null ? 'not_needed' : 'missing';
    if (decide(record, passphrase, requirement, nowMs) !== 'ok') return null;
    usageRecorder.count(record, client ?? '', Math.floor(nowMs));
    return new AllowedDecision(record);
  }

  async function authorizeUncached(digest: string, headers: RawHeaders, client: string | null): Promise<GuardDecision> {
    const record = await registry.find(digest).catch(() => undefined);
    if (record === null) return createRefusal('invalid_token');
    const decision = record === undefined ? null : decideFromRecord(record, client, serverTime(monotonic()));
    return decision ?? askServer(headers, client);
  }

  async function askWhenReady(headers: RawHeaders, client: string | null): Promise<GuardDecision> {
    // Before the first answer it is not known whose credentials pass.
    if (workspaceId === null && workspace === undefined) {
      await Promise.race([start(), new Promise((resolve) => scheduleTimer(options.timeout, () => resolve(false)))]);
    }
    return askServer(headers, client);
  }

  return {
    authorize(headers, client) {
      if (firstLease === null) void start();
      const credential = readHeaderCredential(headers);
      if (credential === NO_CREDENTIAL) return createRefusal('missing_credential');
      if (credential === LEFT_TO_SERVER) return askWhenReady(headers, client);
      if (credential.length > MAX_SECRET_LENGTH) return createRefusal('invalid_token');
      // Looked up before its form is checked: what is remembered has it.
      const digest = sha256(credential);
      const record = registry.findCached(digest);
      // Judged as of the instant at which the lease was found to hold.
      if (record !== null)
        return decideFromRecord(record, client, serverTime(lastMonotonicMs)) ?? askServer(headers, client);
      const kind = secretKindOf(credential);
      if (kind === null || kind === 'session') return createRefusal('invalid_token');
      return lease.holds() ? authorizeUncached(digest, headers, client) : askWhenReady(headers, client);
    },
    workspaceId: () => workspaceId,
    ready: start,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await lease.stop();
      if (firstLease === null) return;
      await usageRecorder.flush().catch(reportError);
      await server()
        .releaseLease()
        .catch(() => undefined);
    },
  };
}
