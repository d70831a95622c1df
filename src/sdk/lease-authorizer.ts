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
  /** Returns the id of the workspace whose credentials are accepted; null until the server has sent it. */
  readonly workspaceId: () => string | null;
  /** Resolves to true once requests are authorized from the cache for the first time; to false if closed before. */
  ready(): Promise<boolean>;
  /** Reports the remaining use counts and releases the lease. */
  close(): Promise<void>;
}

/** Duration of the first lease; the server's responses determine it afterwards. */
const INITIAL_LEASE_MS = 2000;
/** Short enough that a use is reported within one second of the request. */
const FLUSH_INTERVAL_MS = 400;
const IMMEDIATE_ANSWER_MS = 1000;
const DEFAULT_CAPACITY = 100_000;
/** Pause after a rejected heartbeat, doubled up to the maximum; milliseconds. */
const REFUSED_BACKOFF_MS = { first: 1000, most: 60_000 };

const MAX_SECRET_LENGTH = 128;

/** Schedules a timer that does not keep the process alive. */
function scheduleTimer(delay: number, work: () => void): () => void {
  const timer: unknown = setTimeout(work, delay);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer as number);
}

/** Caches the names of rights masks; only few different masks occur. */
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

/** An allowed decision. A class with a lazy getter, so that the identity is only built for callers that read it. */
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
 * Authorizes from a local cache under a lease of the server (`docs/adr/0011-guards-are-nodes.md`). Only allowed
 * requests are decided here: an uncached record is fetched once, and every other request is sent to the server, so
 * that refusals are the server's own and appear in its activity log. Without the lease, `askServer` authorizes each
 * request.
 */
export function createLeaseAuthorizer(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly requirement: Requirement;
  readonly askServer: (headers: RawHeaders, client: string | null) => Promise<GuardDecision>;
  /** If set, only credentials of this workspace are accepted: none, if the API key belongs to another. */
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
  /** The server's clock and the monotonic clock when it was requested: expiry follows the server's clock. */
  let serverClock = { now: 0, asked: 0 };
  let backoff = { until: 0, pause: REFUSED_BACKOFF_MS.first };
  let isErrorReported = false;

  /** The last value of the monotonic clock, in milliseconds. */
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
        // The guard's own API key may be revoked: the next heartbeat finds out.
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
        // A key that was deleted, deactivated or lost `read` must not authorize anything from now on.
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
      // A chunk that the server rejects as invalid is dropped; any other failure is retried.
      if (![400, 413, 422].includes(statusOf(error))) throw error;
      reportError(error);
    }
  }

  /** Waits for revocations; returns whether this guard has applied new ones. */
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
      // Back off after an immediate response without progress, as after a failure.
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

  /** Started by the first request, because workers may not run anything outside of a request. */
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
    // Before the first response it is unknown which workspace's credentials are accepted.
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
      // Looked up before its form is checked, because cached secrets are known to be well-formed.
      const digest = sha256(credential);
      const record = registry.findCached(digest);
      // Decided at the instant at which the lease was found valid.
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
