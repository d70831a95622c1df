import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import packageJson from '../../package.json' with { type: 'json' };
import { createDenialBuffer } from '../audit/denials.ts';
import { appendAuditEvent } from '../audit/log.ts';
import { type AuthenticationListener, createCredentialAuthenticator } from '../authorization/authenticate.ts';
import { createFailureLimiter, type FailureStore } from '../authorization/failure-limiter.ts';
import { createKeyedMutex } from '../authorization/keyed-mutex.ts';
import { createPassphraseVerifier } from '../authorization/passphrase-verifier.ts';
import type { Digest } from '../authorization/record.ts';
import { createRecordCache } from '../authorization/record-cache.ts';
import type { WaitForConfirmation } from '../authorization/registry.ts';
import { createRecordRegistry } from '../authorization/registry.ts';
import { createTrustedClients } from '../authorization/trusted-clients.ts';
import { createFindRecord, createUnknownSecretLimiter } from '../authorization/unknown-secret-limiter.ts';
import { createUsageRecorder } from '../authorization/usage-recorder.ts';
import { createId, ID_PREFIXES } from '../contract/id.ts';
import { FAILURE_LIMITS, SECOND, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { redactSecrets } from '../contract/redact.ts';
import { readStoredCredential } from '../credentials/stored-record.ts';
import { createUsageJournal } from '../credentials/usage-journal.ts';
import type { AppContext } from '../http/app-context.ts';
import { createHttpServer } from '../http/http-server.ts';
import { createJobWorker } from '../jobs/worker.ts';
import { createBackgroundQueue } from '../people/background-queue.ts';
import type { PeopleContext } from '../people/context.ts';
import { createMailer } from '../people/mail.ts';
import { createSessionActivityBuffer } from '../people/session-activity-buffer.ts';
import { createSetupCode } from '../people/sign-up.ts';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import type { PlatformContext } from '../platform/context.ts';
import { deploymentJobKind } from '../platform/deployments/deployments.ts';
import { createErrorIngest } from '../platform/errors/error-ingest.ts';
import { createLogs } from '../platform/logs/logs.ts';
import { sealStoredCredentials } from '../platform/resources/repository-credentials.ts';
import { createPatternMatcher } from '../platform/scripts/pattern-matcher.ts';
import { countFailure, recentFailures, recentlyFailedSubjects } from '../store/failures.ts';
import { hasAnyPerson } from '../store/people.ts';
import { createSeal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import { addressesUsedSince } from '../store/usage.ts';
import { openBackupStorages } from './backup-storages.ts';
import { createClockSkew } from './clock-skew.ts';
import { createStandaloneMembership, joinCluster } from './cluster-membership.ts';
import { createStopDeadline, IncompleteStop, QUIET_MS, stopListening } from './graceful-shutdown.ts';
import { databaseFileIn } from './health-metrics.ts';
import {
  FLUSH_INTERVAL_MS,
  FLUSH_USES_INTERVAL_MS,
  FOLD_INTERVAL_MS,
  FOLD_TIME_BUDGET_MS,
  HOUSEKEEPING_INTERVAL_MS,
  repeatEvery,
  runHousekeeping,
} from './housekeeping.ts';
import { formatAuthority, listenOrExplain } from './listen.ts';
import { openStore } from './open-store.ts';
import { findReadinessFailures } from './readiness.ts';
import { registerJobKinds, startScheduler, WORK_INTERVALS, type WorkIntervals } from './scheduler.ts';
import type { Settings } from './settings.ts';

/** Maximum number of cached records, about 300 bytes each. */
const MAX_CACHED_RECORDS = 1_000_000;
/** With more credentials than this in chunks that are not folded, readers get the figures of the last fold. */
const MAX_PENDING_USES_FOR_READERS = 5_000;
/**
 * Window in which failures on other nodes are read again, milliseconds; longer than clock differences and write
 * delays.
 */
const FAILURE_LOOKBACK_MS = 30_000;
const MAX_REFRESHED_SUBJECTS = 200;
/** Sign-ins and sign-ups per client that may wait for their turn. Requests beyond its limits cost no hash. */
const MAX_WAITING_ATTEMPTS = 256;
/** Password reset requests that may wait for their mail. */
const MAX_WAITING_MAILS = 1_000;
/** A stop waits this long for mail in the queue, milliseconds. */
const MAIL_STOP_TIMEOUT_MS = 1_000;
/** Minimum time for the last writes of a stop, however long the last responses took; milliseconds. */
const WRITE_AT_LEAST = 1_500;
/** Time that requests in flight get before their connections are cut; milliseconds. */
const CLOSE_TIMEOUT_MS = 4_000;

export interface RunningServer {
  /** URL of the listener, without a trailing slash. */
  readonly url: string;
  /** The one-time setup link until somebody has signed up, null afterwards. */
  readonly setupLink: string | null;
  readonly metricsUrl: string | null;
  /**
   * Completes requests in flight, writes counted uses and closes the store, within five seconds. Rejects with
   * `IncompleteStop` if the store does not accept the writes.
   */
  close(): Promise<void>;
}

/** Milliseconds. A firewall that limits connections admits one again after half a minute without an attempt. */
const CONNECT_RETRY_PAUSES_MS = {
  start: [1 * SECOND, 3 * SECOND, 8 * SECOND],
  rollback: [1 * SECOND, 3 * SECOND, 8 * SECOND, 15 * SECOND, 32 * SECOND],
};

export interface StartOptions {
  readonly clock?: () => number;
  /** Pauses before another attempt to connect to a server; for tests. */
  readonly connecting?: PlatformContext['connectRetryDelays'];
  readonly logger?: pino.Logger;
  /** A stop closes idle connections after this long without a request, milliseconds; for tests. */
  readonly quietMs?: number;
  /** Intervals of checks for due schedules and leftovers; for tests. */
  readonly work?: WorkIntervals;
  /** Lease and heartbeat of the job queue, after which nodes are considered lost; for tests. */
  readonly jobs?: { readonly leaseMs: number; readonly heartbeatMs: number };
}

export function createLogger(level: string, destination?: pino.DestinationStream): pino.Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    redact: {
      paths: ['req.headers.authorization', 'req.headers.cookie', '*.secret', '*.passphrase', '*.password'],
      censor: '[secret]',
    },
    serializers: {
      err: (error: Error) => {
        const { type, message, stack } = pino.stdSerializers.err(error);
        return { type, message: redactSecrets(message), stack: redactSecrets(stack) };
      },
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function createFailureStore(store: Store): FailureStore {
  return {
    recentFailures: (subject, since) => recentFailures(store.read, subject, since),
    countFailureIfAllowed: (subject, failure, since, allows) =>
      store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
  };
}

/** The context of everything about people; also used by commands that run without a server. */
export function createPeopleContext(
  store: Store,
  secret: Buffer,
  settings: Settings,
  rest: Pick<PeopleContext, 'clock' | 'waitForConfirmation' | 'denials' | 'publicUrl' | 'background'>,
): PeopleContext {
  const failures = createFailureStore(store);
  const { signIn, acrossAccounts: stranger } = FAILURE_LIMITS;
  return {
    ...rest,
    store,
    seal: createSeal([secret]),
    failures: {
      signIn: createFailureLimiter(failures, signIn),
      acrossAccounts: createFailureLimiter(failures, { perAddress: stranger, perSubject: stranger }),
      clientMutex: createKeyedMutex(MAX_WAITING_ATTEMPTS),
    },
    signUp: settings.signUp,
    workspaces: settings.workspaces,
    mail: settings.smtpUrl === null ? null : createMailer(settings.smtpUrl, settings.mailFrom),
  };
}

/** Composes the parts and listens. Throws `DirectoryInUseError` if another process has locked the data directory. */
export async function startServer(settings: Settings, options: StartOptions = {}): Promise<RunningServer> {
  const clock = options.clock ?? Date.now;
  const log = options.logger ?? createLogger(settings.logLevel);
  const opened = await openStore(settings, {
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
    onFault: (message) => log.fatal(message),
  });
  // Loaded only if needed, to keep start-up time and idle memory low.
  const meter = settings.metrics === null ? null : (await import('./metrics.ts')).createMetricsRecorder();
  const store = meter?.instrumentStore(opened.store) ?? opened.store;
  let url = '';

  const read = (digest: Digest) => readStoredCredential(store, digest);
  const registry = createRecordRegistry({
    read,
    lease: { holds: () => membership.lease.holds() },
    cache: createRecordCache(MAX_CACHED_RECORDS),
  });
  const nodeId = createId('node', clock());
  const skew = createClockSkew(
    (skewMs) => log.warn({ skewMs }, 'clock differs from the database; synchronize both'),
    (skewMs) => log.info({ skewMs }, 'clock agrees with the database again'),
  );
  const membershipOptions = {
    bound: settings.revocationBoundMs,
    isNew: !(await hasAnyPerson(store.read)),
    registry,
    read,
  };
  const membership =
    settings.databaseUrl === null
      ? createStandaloneMembership({ ...membershipOptions, store })
      : joinCluster({
          ...membershipOptions,
          url: settings.databaseUrl,
          id: nodeId,
          clock,
          onSkew: skew.record,
          onError: (error) => log.warn({ err: error }, 'lease renewal failed; retrying'),
        });
  const { waitForAllConfirmations } = membership;
  const waitForConfirmation: WaitForConfirmation = async (revocation) => {
    const receipt = await membership.waitForConfirmation(revocation);
    meter?.recordConfirmation(receipt.ms);
    return receipt;
  };
  const passphraseFailures = createFailureLimiter(createFailureStore(store), FAILURE_LIMITS.passphrase);
  const trustedClients = createTrustedClients((workspaceId, id, since) =>
    addressesUsedSince(store.read, workspaceId, id, since),
  );
  const passphraseVerifier = createPassphraseVerifier(passphraseFailures, trustedClients);
  const usageJournal = await createUsageJournal(store);
  const usageRecorder = createUsageRecorder(usageJournal, nodeId, registry.counterSlots);
  const denials = createDenialBuffer();
  const sessionActivity = createSessionActivityBuffer(store);
  const recordDenial: AuthenticationListener = ({ decision, record }, request) => {
    if (decision === 'ok' || record === null) return;
    const { id, kind, name, workspace } = record;
    denials.add({
      workspaceId: workspace.id,
      action: decision === 'passphrase_incorrect' ? 'credential.passphrase_failed' : 'credential.denied',
      actor: { kind, id, name },
      credential: { kind, id, name },
      reason: decision,
      origin: { address: request.address, userAgent: request.userAgent, requestId: request.requestId },
      at: clock(),
    });
  };
  const unknownSecrets = createUnknownSecretLimiter(UNKNOWN_SECRET_LIMITS);
  const findRecord = createFindRecord(registry, unknownSecrets, clock);
  const authenticator = createCredentialAuthenticator({
    registry,
    findRecord,
    passphraseVerifier,
    usageRecorder,
    clock,
    lastWallTime: options.clock ?? membership.lastWallTime,
    onResult: recordDenial,
  });
  const people = createPeopleContext(store, opened.secret, settings, {
    clock,
    waitForConfirmation,
    denials,
    publicUrl: () => settings.publicUrl ?? url,
    background: createBackgroundQueue(MAX_WAITING_MAILS, (error) => log.error({ err: error }, 'email not sent')),
  });

  let denialsWritten = Promise.resolve();
  async function writeDenials(everything: boolean): Promise<void> {
    const due = denials.drain(clock(), everything).sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
    if (due.length === 0) return;
    await store.transaction(async (trx) => {
      for (const draft of due) await appendAuditEvent(trx, draft);
    });
  }
  /**
   * Flushes run one after the other, so that a caller also waits for what an earlier call has taken and not yet
   * written.
   */
  function flushDenials(everything = false): Promise<void> {
    denialsWritten = denialsWritten.catch(() => undefined).then(() => writeDenials(everything));
    return denialsWritten;
  }

  const jobs = createJobWorker({
    store,
    clock,
    nodeId,
    onError: (error) => log.error({ err: error }, 'job failed'),
    ...(meter !== null && { onJobEnd: meter.recordJobEnd }),
    ...options.jobs,
  });
  const logs = createLogs({
    store,
    clock,
    onError: (error) => log.error({ err: error }, 'log lines not written'),
  });

  const patterns = createPatternMatcher();
  const workspace: PlatformContext = {
    store,
    clock,
    seal: people.seal,
    allowLocalServers: settings.localServer === 'on',
    connectRetryDelays: options.connecting ?? CONNECT_RETRY_PAUSES_MS,
    activityIngest: createActivityIngest(store),
    errorIngest: createErrorIngest(store),
    jobs,
    logs,
    patternMatcher: patterns,
    backupStorages: openBackupStorages(settings, (error) => log.error({ err: error }, 'backup storage unavailable')),
    onError: (error) => log.error({ err: error }, 'task failed; retrying'),
  };
  registerJobKinds(workspace);

  const appContext: AppContext = {
    version: packageJson.version,
    publicUrl: settings.publicUrl,
    listenHost: settings.host,
    store,
    seal: people.seal,
    clock,
    authenticator: meter?.instrumentAuthenticator(authenticator) ?? authenticator,
    passphraseVerifier: passphraseVerifier,
    findRecord,
    unknownSessionLimiter: createUnknownSecretLimiter(UNKNOWN_SECRET_LIMITS),
    guards: membership.guards,
    guardLookupLimiter: createUnknownSecretLimiter(UNKNOWN_SECRET_LIMITS),
    recordGuardUses: usageJournal.addUses,
    credentials: {
      store,
      waitForConfirmation,
      waitForAllConfirmations,
      flushUses: async () => {
        const pending = usageRecorder.pendingCredentials() + usageJournal.pendingUses();
        if (pending === 0 || pending > MAX_PENDING_USES_FOR_READERS) return;
        await usageRecorder.flush();
        await usageJournal.fold();
      },
      clock,
    },
    people,
    platform: workspace,
    denials,
    sessionActivity: sessionActivity,
    flushDenials,
    readinessFailures: () => findReadinessFailures(store, membership.lease, skew),
  };

  await sealStoredCredentials(store, people.seal, clock());
  const app = await createHttpServer(appContext, {
    logger: log,
    trustProxy: settings.trustProxy,
    observe: meter?.recordResponse,
  });
  let metrics: Server | null = null;
  try {
    await membership.start();
    await listenOrExplain({ host: 'HOST', port: 'PORT' }, settings, () =>
      app.listen({ port: settings.port, host: settings.host }),
    );
    if (meter !== null && settings.metrics !== null) {
      const metricsListener = settings.metrics;
      const gauges = {
        version: packageJson.version,
        cachedRecords: registry.size,
        usageLagMs: () => usageRecorder.lagMs(clock()),
        pendingCredentials: usageRecorder.pendingCredentials,
        refusedLookups: unknownSecrets.refusalCount,
        jobs: jobs.counts,
        localJobs: jobs.running,
        health: {
          leaseHeld: membership.lease.holds,
          leases: membership.countLeases,
          skewMs: skew.skewMs,
          pools: () => {
            const leases = membership.leasePoolUsage();
            return { ...store.poolUsage?.(), ...(leases !== null && { lease: leases }) };
          },
          dataDirectory: settings.dataDirectory,
          database: settings.databaseUrl === null ? databaseFileIn(settings.dataDirectory) : null,
        },
        diskFull: () => store.diskFull?.() ?? false,
        reserveBytes: () => store.reserveBytes?.() ?? 0,
      };
      const named = { host: 'DEVPILOT_METRICS', port: 'DEVPILOT_METRICS' };
      metrics = await listenOrExplain(named, metricsListener, () => meter.listen(metricsListener, gauges));
    }
  } catch (error) {
    await app.close();
    await membership.stop();
    await store.close();
    opened.release();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  const host = settings.host === '0.0.0.0' || settings.host === '::' ? 'localhost' : settings.host;
  url = `http://${formatAuthority(host, port)}`;
  const setupCode = await createSetupCode(people);

  const onError = (error: unknown) => log.error({ err: error }, 'background task failed; retrying');
  async function flush(): Promise<void> {
    await flushDenials();
    await sessionActivity.flush();
  }
  // Uses have their own timer: at most the last second of uses may be lost if the process is killed.
  const usesFlushTimer = repeatEvery(FLUSH_USES_INTERVAL_MS, usageRecorder.flush, onError, true);
  const flushTimer = repeatEvery(FLUSH_INTERVAL_MS, flush, onError);
  const foldTimer = repeatEvery(FOLD_INTERVAL_MS, () => usageJournal.fold(FOLD_TIME_BUDGET_MS), onError);
  // Requests with a passphrase proven on this node are authorized from the cache, so it must learn of failures on
  // other nodes.
  async function refreshFailures(): Promise<void> {
    if (settings.databaseUrl === null) return;
    const subjects = await recentlyFailedSubjects(
      store.read,
      ID_PREFIXES.access_token,
      clock() - FAILURE_LOOKBACK_MS,
      MAX_REFRESHED_SUBJECTS,
    );
    for (const subject of subjects) await passphraseFailures.refresh(subject, clock());
  }
  const failureRefreshTimer = repeatEvery(FLUSH_INTERVAL_MS, refreshFailures, onError);
  const housekeepingTimer = repeatEvery(
    HOUSEKEEPING_INTERVAL_MS,
    () => runHousekeeping(workspace, clock(), settings.retentionDays),
    onError,
  );

  /** Writes all counted uses. What is too much to fold now is folded after the next start, to keep a stop short. */
  async function writeUses(): Promise<void> {
    await usageRecorder.flush();
    if (usageJournal.pendingUses() <= MAX_PENDING_USES_FOR_READERS) await usageJournal.fold();
  }

  jobs.register(deploymentJobKind(workspace));
  jobs.start();
  const schedules = startScheduler(workspace, options.work ?? WORK_INTERVALS);

  async function close(): Promise<void> {
    const withinStop = createStopDeadline(usageRecorder.pendingCredentials);
    /** Returns null, or the reason of the failure in one line. */
    const settled = (work: Promise<unknown>, leastMs?: number): Promise<string | null> =>
      withinStop(work, leastMs).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
    logs.stop();
    const schedulesOver = settled(schedules.stop());
    const jobsOver = jobs.stop();
    jobsOver.catch(() => undefined);
    membership.guards.stop();
    const forcedCloseTimer = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
    const allEnded = await stopListening(app.server, options.quietMs ?? QUIET_MS);
    // A connection answered in the meantime would be kept alive, and the stop would wait for it.
    const sweep = setInterval(() => app.server.closeIdleConnections(), 20);
    await app.close();
    await allEnded();
    clearTimeout(forcedCloseTimer);
    clearInterval(sweep);
    metrics?.close();
    // Failed writes are reported at the end; they do not keep anything from being released.
    const flushers = Promise.all(
      [usesFlushTimer, flushTimer, failureRefreshTimer, foldTimer, housekeepingTimer].map((one) => one.stop()),
    );
    const ending = [jobsOver, flushers, patterns.close(), people.background.stop(MAIL_STOP_TIMEOUT_MS)];
    const outcomes = [await schedulesOver, ...(await Promise.all(ending.map((one) => settled(one))))];
    const writing = [writeUses(), flushDenials(true), sessionActivity.flush()];
    outcomes.push(...(await Promise.all(writing.map((one) => settled(one, WRITE_AT_LEAST)))));
    outcomes.push(await settled(membership.stop()));
    const lost = usageRecorder.pendingUses();
    outcomes.push(await settled(store.close()));
    opened.release();
    const failure = outcomes.find((one) => one !== null);
    if (failure === undefined) return;
    throw new IncompleteStop(
      `Not all pending writes were saved: at most ${lost} ${lost === 1 ? 'use' : 'uses'} of credentials and the last second of refusals in the activity log are lost. ${failure}`,
    );
  }

  const metricsAddress = metrics?.address() as AddressInfo | undefined;
  return {
    url,
    setupLink: setupCode === null ? null : `${settings.publicUrl ?? url}/setup#code=${setupCode}`,
    metricsUrl:
      metricsAddress === undefined
        ? null
        : `http://${formatAuthority(metricsAddress.address, metricsAddress.port)}/metrics`,
    close,
  };
}
