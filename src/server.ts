import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { createDenials } from './audit/denials.ts';
import { append } from './audit/log.ts';
import { createId, ID_PREFIXES } from './contract/id.ts';
import { redactSecrets } from './contract/redact.ts';
import { FAILURE_LIMITS, SECOND, UNKNOWN_LIMITS } from './contract/words.ts';
import { createFailureLimiter, type FailureStore } from './credentials/failures.ts';
import { createMemory } from './credentials/memory.ts';
import { createJudges, type Watcher } from './credentials/present.ts';
import { createProof } from './credentials/proof.ts';
import { createLines } from './credentials/queue.ts';
import type { Digest } from './credentials/record.ts';
import { createRegistry } from './credentials/registry.ts';
import type { Settle } from './credentials/store.ts';
import { createTrustedClients } from './credentials/trusted-clients.ts';
import { createFindRecord, createUnknowns } from './credentials/unknowns.ts';
import { createUsage } from './credentials/usage.ts';
import { createApp } from './http/app.ts';
import type { House } from './http/house.ts';
import { createBackground } from './people/background.ts';
import type { PeopleContext } from './people/context.ts';
import { createMail } from './people/mail.ts';
import { makeSetupCode } from './people/sign-up.ts';
import { createTraces } from './people/traces.ts';
import { createClockSkew } from './server/clock-skew.ts';
import { createStopDeadline, IncompleteStop, QUIET_MS, stopListening } from './server/closing.ts';
import { createCredentialStore, createUsageJournal, readForJudging } from './server/credential-store.ts';
import { databaseIn } from './server/health-metrics.ts';
import {
  every,
  FLUSH_EVERY,
  FLUSH_USES_EVERY,
  FOLD_EVERY,
  FOLD_WITHIN,
  TIDY_EVERY,
  tidy,
} from './server/housekeeping.ts';
import { authorityOf, listenOn } from './server/listening.ts';
import { aloneWith, amongOthers } from './server/nodes.ts';
import { openStore } from './server/open-store.ts';
import { findUnreadiness } from './server/readiness.ts';
import { openStorages } from './server/storages.ts';
import { registerKinds, startSchedules, WORK_INTERVALS, type WorkIntervals } from './server/work.ts';
import type { Settings } from './settings.ts';
import { countFailure, failedSince, recentFailures } from './store/failures.ts';
import { anyPerson } from './store/people.ts';
import { createSeal } from './store/seal.ts';
import type { Store } from './store/store.ts';
import { usedAddresses } from './store/usage.ts';
import { createIngest } from './workspace/activity-ingest.ts';
import type { WorkspaceContext } from './workspace/context.ts';
import { deploymentKind } from './workspace/deployments.ts';
import { createReports } from './workspace/error-reports.ts';
import { createJobs } from './workspace/jobs/worker.ts';
import { createLogs } from './workspace/logs.ts';
import { createPatterns } from './workspace/patterns.ts';
import { sealStoredCredentials } from './workspace/repository.ts';

/** Records kept in memory: about 300 bytes each. */
const RECORDS_IN_MEMORY = 1_000_000;
/** Above this many credentials with uses that are not folded in, a reader is shown the figures of the last fold. */
const FLUSH_FOR_READERS = 5_000;
/** Failures on other nodes are looked for over this many milliseconds, more than clocks and writes are apart. */
const LEARNED_OVER = 30_000;
const SUBJECTS_LEARNED = 200;
/** Sign-ins and sign-ups of one client that may wait for their turn. Those beyond its limits cost no hash. */
const TRIES_WAITING = 256;
/** Requests for a password reset that may wait for their mail. */
const MAIL_WAITING = 1_000;
/** Messages that wait for a mail server hold a stop up for this long, milliseconds. */
const MAIL_WITHIN = 1_000;
/** The last writes of a stop are given this long, however long its last answers took; milliseconds. */
const WRITE_AT_LEAST = 1_500;
/** In-flight requests are given this long before their connections are cut. */
const CLOSE_WITHIN = 4_000;

export interface Running {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** The one-time link while nobody has signed up, null afterwards. */
  readonly setupLink: string | null;
  readonly metricsUrl: string | null;
  /**
   * Finishes requests under way, writes what is counted, closes the store, within five seconds. Rejects with
   * `IncompleteStop` where the store does not take what is to be written.
   */
  close(): Promise<void>;
}

/** A firewall that limits connections lets one through again after half a minute without an attempt; milliseconds. */
const CONNECTING = {
  begin: [1 * SECOND, 3 * SECOND, 8 * SECOND],
  goBack: [1 * SECOND, 3 * SECOND, 8 * SECOND, 15 * SECOND, 32 * SECOND],
};

export interface Parts {
  readonly clock?: () => number;
  /** How soon servers that are not reached are tried again; for tests. */
  readonly connecting?: WorkspaceContext['connecting'];
  readonly logger?: pino.Logger;
  /** How long no request must have arrived before a stop closes idle connections, milliseconds; for tests. */
  readonly quietMs?: number;
  /** How soon due schedules are seen and leftovers swept; for tests. */
  readonly work?: WorkIntervals;
  /** How soon nodes are taken for gone; for tests. */
  readonly jobs?: { readonly lease: number; readonly beat: number };
}

export function createLogger(level: string): pino.Logger {
  return pino({
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
  });
}

function failureStore(store: Store): FailureStore {
  return {
    recentFailures: (subject, since) => recentFailures(store.read, subject, since),
    countFailure: (subject, failure, since, allows) =>
      store.transaction((trx) => countFailure(trx, subject, failure, since, allows)),
  };
}

/** What everything about people works with; also used by commands that run without a server. */
export function createPeopleContext(
  store: Store,
  secret: Buffer,
  settings: Settings,
  rest: Pick<PeopleContext, 'clock' | 'settle' | 'denials' | 'publicUrl' | 'background'>,
): PeopleContext {
  const failures = failureStore(store);
  const { signIn, stranger } = FAILURE_LIMITS;
  return {
    ...rest,
    store,
    seal: createSeal([secret]),
    failures: {
      signIn: createFailureLimiter(failures, signIn),
      stranger: createFailureLimiter(failures, { perAddress: stranger, perSubject: stranger }),
      turns: createLines(TRIES_WAITING),
    },
    signUp: settings.signUp,
    workspaces: settings.workspaces,
    mail: settings.smtpUrl === null ? null : createMail(settings.smtpUrl, settings.mailFrom),
  };
}

/** Puts the parts together and listens. Throws `DirectoryInUse` where another process has the data directory. */
export async function start(settings: Settings, parts: Parts = {}): Promise<Running> {
  const clock = parts.clock ?? Date.now;
  const log = parts.logger ?? createLogger(settings.logLevel);
  const opened = await openStore(settings, {
    onError: (error) => log.warn({ err: error }, 'a connection to the store broke'),
    onFault: (message) => log.fatal(message),
  });
  // Loaded where they are asked for: start and idle memory are everybody's.
  const meter = settings.metrics === null ? null : (await import('./server/metrics.ts')).createMeter();
  const store = meter?.store(opened.store) ?? opened.store;
  let url = '';

  const read = (digest: Digest) => readForJudging(store, digest);
  const registry = createRegistry({
    read,
    lease: { holds: () => membership.lease.holds() },
    memory: createMemory(RECORDS_IN_MEMORY),
  });
  const nodeId = createId('node', clock());
  const skew = createClockSkew(
    (skewMs) => log.warn({ skewMs }, 'the clock of this node is not that of the database; synchronise both'),
    (skewMs) => log.info({ skewMs }, 'the clock of this node is that of the database again'),
  );
  const facts = { bound: settings.revocationBound, isNew: !(await anyPerson(store.read)), registry, read };
  const membership =
    settings.databaseUrl === null
      ? aloneWith({ ...facts, store })
      : amongOthers({
          ...facts,
          url: settings.databaseUrl,
          id: nodeId,
          clock,
          onSkew: skew.note,
          onError: (error) => log.warn({ err: error }, 'the lease was not renewed; it is tried again'),
        });
  const { settleAll } = membership;
  const settle: Settle = async (revocation) => {
    const receipt = await membership.settle(revocation);
    meter?.confirmed(receipt.ms);
    return receipt;
  };
  const passphraseFailures = createFailureLimiter(failureStore(store), FAILURE_LIMITS.passphrase);
  const trusted = createTrustedClients((workspaceId, id, since) => usedAddresses(store.read, workspaceId, id, since));
  const proof = createProof(passphraseFailures, trusted);
  const journal = await createUsageJournal(store);
  const usage = createUsage(journal, nodeId, registry.places);
  const denials = createDenials();
  const traces = createTraces(store);
  const watch: Watcher = ({ verdict, record }, presented) => {
    if (verdict === 'ok' || record === null) return;
    const { id, kind, name, workspace } = record;
    denials.note({
      workspaceId: workspace.id,
      action: verdict === 'passphrase_incorrect' ? 'credential.passphrase_failed' : 'credential.denied',
      actor: { kind, id, name },
      credential: { kind, id, name },
      reason: verdict,
      origin: { address: presented.address, userAgent: presented.userAgent, requestId: presented.requestId },
      at: clock(),
    });
  };
  const unknowns = createUnknowns(UNKNOWN_LIMITS);
  const findRecord = createFindRecord(registry, unknowns, clock);
  const judges = createJudges({
    registry,
    findRecord,
    proof,
    usage,
    clock,
    looked: parts.clock ?? membership.looked,
    watch,
  });
  const people = createPeopleContext(store, opened.secret, settings, {
    clock,
    settle,
    denials,
    publicUrl: () => settings.publicUrl ?? url,
    background: createBackground(MAIL_WAITING, (error) => log.error({ err: error }, 'a message was not sent')),
  });

  let denialsWritten = Promise.resolve();
  async function writeDenials(everything: boolean): Promise<void> {
    const due = denials.take(clock(), everything).sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
    if (due.length === 0) return;
    await store.transaction(async (trx) => {
      for (const draft of due) await append(trx, draft);
    });
  }
  /** One after the other, so that who waits for this also waits for what another call has taken and not yet written. */
  function flushDenials(everything = false): Promise<void> {
    denialsWritten = denialsWritten.catch(() => undefined).then(() => writeDenials(everything));
    return denialsWritten;
  }

  const jobs = createJobs({
    store,
    clock,
    nodeId,
    onError: (error) => log.error({ err: error }, 'a job went wrong'),
    ...(meter !== null && { onEnd: meter.jobEnded }),
    ...parts.jobs,
  });
  const logs = createLogs({
    store,
    clock,
    onError: (error) => log.error({ err: error }, 'lines of a log were not written'),
  });

  const patterns = createPatterns();
  const workspace: WorkspaceContext = {
    store,
    clock,
    seal: people.seal,
    localServer: settings.localServer === 'on',
    connecting: parts.connecting ?? CONNECTING,
    ingest: createIngest(store),
    reports: createReports(store),
    jobs,
    logs,
    patterns,
    storages: openStorages(settings, (error) => log.error({ err: error }, 'no backups can be kept here')),
    onError: (error) => log.error({ err: error }, 'something went wrong; it is tried again'),
  };
  registerKinds(workspace);

  const house: House = {
    version: packageJson.version,
    publicUrl: settings.publicUrl,
    listenHost: settings.host,
    store,
    seal: people.seal,
    clock,
    judges: meter?.judges(judges) ?? judges,
    proof,
    findRecord,
    unknownSessions: createUnknowns(UNKNOWN_LIMITS),
    guards: membership.guards,
    unknownToGuards: createUnknowns(UNKNOWN_LIMITS),
    addUses: journal.addUses,
    credentials: {
      store: createCredentialStore(store),
      settle,
      settleAll,
      flushUses: async () => {
        const pending = usage.pendingCredentials() + journal.size();
        if (pending === 0 || pending > FLUSH_FOR_READERS) return;
        await usage.flush();
        await journal.fold();
      },
      clock,
    },
    people,
    workspace,
    denials,
    traces,
    flushDenials,
    unreadiness: () => findUnreadiness(store, membership.lease, skew),
  };

  await sealStoredCredentials(store, people.seal, clock());
  const app = await createApp(house, { logger: log, trustProxy: settings.trustProxy, observe: meter?.answered });
  let metrics: Server | null = null;
  try {
    await membership.start();
    await listenOn({ host: 'HOST', port: 'PORT' }, settings, () =>
      app.listen({ port: settings.port, host: settings.host }),
    );
    if (meter !== null && settings.metrics !== null) {
      const at = settings.metrics;
      const gauges = {
        version: packageJson.version,
        recordsInMemory: registry.size,
        usageLag: () => usage.lag(clock()),
        pendingCredentials: usage.pendingCredentials,
        lookUpsRefused: unknowns.refused,
        jobs: jobs.figures,
        jobsHere: jobs.running,
        health: {
          leaseHeld: membership.lease.holds,
          leases: membership.countLeases,
          skewMs: skew.skewMs,
          pools: () => {
            const leases = membership.pool();
            return { ...store.pools?.(), ...(leases !== null && { lease: leases }) };
          },
          dataDirectory: settings.dataDirectory,
          database: settings.databaseUrl === null ? databaseIn(settings.dataDirectory) : null,
        },
        diskFull: () => store.diskFull?.() ?? false,
        reserveBytes: () => store.reserveBytes?.() ?? 0,
      };
      const named = { host: 'DEVPILOT_METRICS', port: 'DEVPILOT_METRICS' };
      metrics = await listenOn(named, at, () => meter.listen(at, gauges));
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
  url = `http://${authorityOf(host, port)}`;
  const code = await makeSetupCode(people);

  const onError = (error: unknown) => log.error({ err: error }, 'background work failed; it is tried again');
  async function flush(): Promise<void> {
    await flushDenials();
    await traces.flush();
  }
  // Uses have a schedule of their own: at most the last second of them may be missing after a kill.
  const usesFlusher = every(FLUSH_USES_EVERY, usage.flush, onError, true);
  const flusher = every(FLUSH_EVERY, flush, onError);
  const folder = every(FOLD_EVERY, () => journal.fold(FOLD_WITHIN), onError);
  // A passphrase that was proven here is judged from memory, which must know of failures on other nodes.
  async function learnFailures(): Promise<void> {
    if (settings.databaseUrl === null) return;
    const subjects = await failedSince(store.read, ID_PREFIXES.access_token, clock() - LEARNED_OVER, SUBJECTS_LEARNED);
    for (const subject of subjects) await passphraseFailures.refresh(subject, clock());
  }
  const learner = every(FLUSH_EVERY, learnFailures, onError);
  const tidier = every(TIDY_EVERY, () => tidy(workspace, clock(), settings.retentionDays), onError);

  /** Writes all that was counted; what is too much to fold in now is folded after the next start, since a stop must not take long. */
  async function writeUses(): Promise<void> {
    await usage.flush();
    if (journal.size() <= FLUSH_FOR_READERS) await journal.fold();
  }

  jobs.register(deploymentKind(workspace));
  jobs.start();
  const schedules = startSchedules(workspace, parts.work ?? WORK_INTERVALS);

  async function close(): Promise<void> {
    const withinStop = createStopDeadline(usage.pendingCredentials);
    /** Null, or why it failed, in one line. */
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
    const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN);
    const allEnded = await stopListening(app.server, parts.quietMs ?? QUIET_MS);
    // A connection that was answered meanwhile is kept alive otherwise, and the stop would wait for it.
    const sweep = setInterval(() => app.server.closeIdleConnections(), 20);
    await app.close();
    await allEnded();
    clearTimeout(cut);
    clearInterval(sweep);
    metrics?.close();
    // What can't be written is reported at the end; it keeps nothing from being given back.
    const flushers = Promise.all([usesFlusher, flusher, learner, folder, tidier].map((one) => one.stop()));
    const ending = [jobsOver, flushers, patterns.close(), people.background.stop(MAIL_WITHIN)];
    const outcomes = [await schedulesOver, ...(await Promise.all(ending.map((one) => settled(one))))];
    const writing = [writeUses(), flushDenials(true), traces.flush()];
    outcomes.push(...(await Promise.all(writing.map((one) => settled(one, WRITE_AT_LEAST)))));
    outcomes.push(await settled(membership.stop()));
    const lost = usage.pendingUses();
    outcomes.push(await settled(store.close()));
    opened.release();
    const failure = outcomes.find((one) => one !== null);
    if (failure === undefined) return;
    throw new IncompleteStop(
      `The store did not take everything that was to be written: at most ${lost} ${lost === 1 ? 'use' : 'uses'} of credentials and the last second of refusals in the activity log are lost. ${failure}`,
    );
  }

  const metricsAddress = metrics?.address() as AddressInfo | undefined;
  return {
    url,
    setupLink: code === null ? null : `${settings.publicUrl ?? url}/setup#code=${code}`,
    metricsUrl:
      metricsAddress === undefined
        ? null
        : `http://${authorityOf(metricsAddress.address, metricsAddress.port)}/metrics`,
    close,
  };
}
