import { decide } from '../authorization/decision.ts';
import { createLeaseRenewal } from '../authorization/guard-lease.ts';
import { createLease, type RenewingLease } from '../authorization/lease.ts';
import { createObjectRecordCache } from '../authorization/object-record-cache.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import { createRecordRegistry } from '../authorization/registry.ts';
import { exercisedMaskOf, type Requirement } from '../authorization/rights.ts';
import { createUsageRecorder } from '../authorization/usage-recorder.ts';
import { AllowedDecision } from './allowed-decision.ts';
import { connectGuard, type GuardConnection } from './connection.ts';
import { followRevocations } from './follow-revocations.ts';
import { createGuardSession, httpStatusOf } from './guard-session.ts';
import { LEFT_TO_SERVER, NO_CREDENTIAL, readHeaderCredential } from './header-credential.ts';
import type { Authorize, GuardDecision, RawHeaders } from './remote-authorizer.ts';
import { createRefusal } from './remote-authorizer.ts';
import { secretKindOf } from './secret.ts';
import { sha256 } from './sha256.ts';
import { scheduleTimer } from './timer.ts';

export interface LeaseAuthorizer {
  readonly authorize: Authorize;
  /** Returns the ID of the workspace whose credentials are accepted; null until the server has sent it. */
  readonly workspaceId: () => string | null;
  /** Resolves to true once the first lease is granted; to false if closed before. */
  ready(): Promise<boolean>;
  /** Reports the uses that have not been reported yet, and releases the lease. */
  close(): Promise<void>;
}

/** Duration of a lease that is assumed until the first response states it, in milliseconds. */
const INITIAL_LEASE_MS = 2000;
/** Short enough that each use is reported within one second of its request. */
const FLUSH_INTERVAL_MS = 400;
const DEFAULT_CAPACITY = 100_000;
const MAX_SECRET_LENGTH = 128;

/**
 * Authorizes from a local cache under a lease of the server (`docs/adr/0011-guards-are-nodes.md`). A record that is not
 * cached is fetched once. The server decides again before a credential of the workspace of `apiKey` is refused, so that
 * the refusal appears in the activity log of this workspace. Without a lease, `authorizeRemotely` authorizes each
 * request.
 */
export function createLeaseAuthorizer(options: {
  readonly url: string;
  readonly apiKey: string;
  readonly requirement: Requirement;
  readonly authorizeRemotely: (headers: RawHeaders, client: string | null) => Promise<GuardDecision>;
  /** ID of the only workspace whose credentials are accepted. If `apiKey` belongs to another workspace, none are. */
  readonly workspace: string | undefined;
  /** Maximum time to wait for a response, in milliseconds. */
  readonly timeout: number;
  readonly capacity?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}): LeaseAuthorizer {
  const { apiKey, requirement, authorizeRemotely, workspace } = options;
  const apiKeyDigest = sha256(apiKey);
  const closing = new AbortController();
  let connection: GuardConnection | null = null;
  let firstLease: Promise<boolean> | null = null;
  /** The last value of the monotonic clock, in milliseconds. */
  let lastMonotonicMs = 0;
  const monotonic = () => (lastMonotonicMs = performance.now());
  const getConnection = () => (connection ??= connectGuard({ ...options, fetch: options.fetch }));
  const session = createGuardSession({
    connection: getConnection,
    monotonic,
    onRejected: () => lease.end(),
    onError(error) {
      if (!closing.signal.aborted) options.onError?.(error);
    },
  });
  const { workspaceId, serverTime, reportError } = session;

  const registry = createRecordRegistry({
    read: (digest) => getConnection().findRecord(digest),
    lease: { holds: () => lease.holds() },
    cache: createObjectRecordCache(options.capacity ?? DEFAULT_CAPACITY),
  });
  // No node ID is needed: the connection identifies the guard.
  const usageRecorder = createUsageRecorder({ addUses: reportUses }, '', registry.counterSlots);
  const lease: RenewingLease = createLease({
    renew: createLeaseRenewal(session.sendHeartbeat),
    registry: {
      apply(revocation) {
        if (revocation.digest === null) registry.clear();
        else registry.apply(revocation);
        // The guard's own API key may be revoked. The next heartbeat shows whether it is.
        if (revocation.digest === apiKeyDigest || revocation.digest === null) lease.end();
      },
      clear: registry.clear,
    },
    leaseMs: INITIAL_LEASE_MS,
    clocks: { monotonic, wall: Date.now },
    schedule: scheduleTimer,
    random: Math.random,
    onError: reportError,
    onHeartbeat: () => {},
  });

  async function reportUses(
    _nodeId: string,
    chunk: number,
    uses: Parameters<GuardConnection['reportUses']>[1],
  ): Promise<void> {
    try {
      await getConnection().reportUses(chunk, uses);
    } catch (error) {
      // A chunk that the server rejects as invalid is dropped; any other failure is retried.
      if (![400, 413, 422].includes(httpStatusOf(error))) throw error;
      reportError(error);
    }
  }

  function flushLater(): void {
    scheduleTimer(FLUSH_INTERVAL_MS, () => {
      if (closing.signal.aborted) return;
      const done = usageRecorder.pendingCredentials() === 0 ? Promise.resolve() : usageRecorder.flush();
      void done.catch(() => undefined).then(flushLater);
    });
  }

  /**
   * Requests the first lease, unless this was done before. Called by the first request, because edge runtimes such as
   * Cloudflare Workers do not allow timers and requests outside a request handler.
   */
  function start(): Promise<boolean> {
    if (firstLease !== null) return firstLease;
    firstLease = lease.start(Number.POSITIVE_INFINITY);
    void firstLease.then(() => followRevocations(getConnection, lease, workspaceId, closing.signal));
    flushLater();
    return firstLease;
  }

  /**
   * Returns null if the server has to decide: the credential needs a passphrase or would be refused. The server sends
   * the record of a restricted credential as inactive, so that it is never authorized from the cache.
   */
  function decideFromRecord(record: CredentialRecord, client: string | null, nowMs: number): GuardDecision | null {
    if (workspace !== undefined && workspace !== record.workspace.id) return createRefusal('invalid_token');
    const passphrase = record.passphraseHash === null ? 'not_needed' : 'missing';
    if (decide(record, passphrase, requirement, nowMs, client ?? '') !== 'ok') return null;
    const requiredMask = requirement[record.kind];
    const exercised = requiredMask === null ? 0 : exercisedMaskOf(record.kind, record.rights, requiredMask);
    usageRecorder.count(record, client ?? '', Math.floor(nowMs), exercised);
    return new AllowedDecision(record);
  }

  async function authorizeUncached(digest: string, headers: RawHeaders, client: string | null): Promise<GuardDecision> {
    const record = await registry.find(digest).catch(() => undefined);
    if (record === null) return createRefusal('invalid_token');
    const decision = record === undefined ? null : decideFromRecord(record, client, serverTime(monotonic()));
    return decision ?? authorizeRemotely(headers, client);
  }

  async function authorizeRemotelyWhenReady(headers: RawHeaders, client: string | null): Promise<GuardDecision> {
    // Before the first response it is unknown which workspace's credentials are accepted.
    if (workspaceId() === null && workspace === undefined) {
      await Promise.race([start(), new Promise((resolve) => scheduleTimer(options.timeout, () => resolve(false)))]);
    }
    return authorizeRemotely(headers, client);
  }

  return {
    authorize(headers, client) {
      if (firstLease === null) void start();
      const credential = readHeaderCredential(headers);
      if (credential === NO_CREDENTIAL) return createRefusal('missing_credential');
      if (credential === LEFT_TO_SERVER) return authorizeRemotelyWhenReady(headers, client);
      if (credential.length > MAX_SECRET_LENGTH) return createRefusal('invalid_token');
      // The cache is searched before the format is checked, because cached secrets need no check.
      const digest = sha256(credential);
      const record = registry.findCached(digest);
      // Decided for the instant at which `findCached` checked the lease.
      if (record !== null)
        return decideFromRecord(record, client, serverTime(lastMonotonicMs)) ?? authorizeRemotely(headers, client);
      const kind = secretKindOf(credential);
      if (kind === null || kind === 'session') return createRefusal('invalid_token');
      return lease.holds() ? authorizeUncached(digest, headers, client) : authorizeRemotelyWhenReady(headers, client);
    },
    workspaceId,
    ready: start,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await lease.stop();
      if (firstLease === null) return;
      await usageRecorder.flush().catch(reportError);
      await getConnection()
        .releaseLease()
        .catch(() => undefined);
    },
  };
}
