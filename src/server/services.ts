import packageJson from '../../package.json' with { type: 'json' };
import { createLeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import type { WaitForConfirmation } from '../authorization/registry.ts';
import { digestOf } from '../authorization/secret.ts';
import { SECOND, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { EXCHANGE_LIMITS, REFUSED_EXCHANGE_LIMITS, WORKLOAD_LIMITS } from '../contract/token-exchange-limits.ts';
import type { CredentialContext } from '../credentials/credentials.ts';
import { createIssuerKeys } from '../credentials/issuer-keys.ts';
import { createFirstRefusalCheck } from '../credentials/workload-context.ts';
import type { AppContext } from '../http/app-context.ts';
import { createLeakSignatureVerifier } from '../http/leak-signatures.ts';
import { createJobWorker, type JobWorker } from '../jobs/worker.ts';
import { createDeliveryWorker, type DeliveryWorker } from '../notify/delivery-worker.ts';
import { createOutbound, type Outbound } from '../outbound/outbound.ts';
import { createBackgroundQueue } from '../people/background-queue.ts';
import type { PeopleContext } from '../people/context.ts';
import { createSessionActivityBuffer, type SessionActivityBuffer } from '../people/session-activity-buffer.ts';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import type { PlatformContext } from '../platform/context.ts';
import { createErrorIngest } from '../platform/errors/error-ingest.ts';
import { createSourceMapResolver } from '../platform/errors/source-maps/source-map-resolver.ts';
import { createLogs } from '../platform/logs/logs.ts';
import { createPatternMatcher } from '../platform/scripts/pattern-matcher.ts';
import { openBackupStorages } from './backup-storages.ts';
import type { Base } from './base.ts';
import { type CredentialChecks, createCredentialChecks } from './credential-checks.ts';
import type { NodeMembership } from './node-membership.ts';
import { createPeopleContext } from './people-context.ts';
import { findReadinessFailures } from './readiness.ts';
import { registerJobKinds } from './scheduler.ts';
import type { Settings } from './settings.ts';

/** Maximum number of queued password reset emails. */
const MAX_QUEUED_MAILS = 1_000;

/**
 * The last delay of `long` exceeds half a minute, because a firewall that limits connections accepts them again
 * after half a minute without an attempt.
 */
const CONNECT_RETRY_DELAYS_MS = {
  short: [1 * SECOND, 3 * SECOND, 8 * SECOND],
  long: [1 * SECOND, 3 * SECOND, 8 * SECOND, 15 * SECOND, 32 * SECOND],
};

export interface Services {
  readonly checks: CredentialChecks;
  readonly people: PeopleContext;
  readonly sessionActivity: SessionActivityBuffer;
  readonly jobs: JobWorker;
  readonly platform: PlatformContext;
  readonly webhooks: DeliveryWorker;
  /** The services that route handlers use. */
  readonly appContext: AppContext;
}

function createPlatform(
  base: Base,
  jobs: JobWorker,
  { seal, outbound, publicUrl }: Pick<PlatformContext, 'seal' | 'outbound' | 'publicUrl'>,
): PlatformContext {
  const { settings, options, clock, log, store } = base;
  const platform: PlatformContext = {
    store,
    clock,
    seal,
    allowLocalServers: settings.localServer === 'on',
    connectRetryDelays: options.connectRetryDelays ?? CONNECT_RETRY_DELAYS_MS,
    activityIngest: createActivityIngest(store),
    errorIngest: createErrorIngest(store),
    jobs,
    logs: createLogs({ store, clock, onError: (error) => log.error({ err: error }, 'log lines not written') }),
    patternMatcher: createPatternMatcher(),
    outbound,
    publicUrl,
    sourceMaps: createSourceMapResolver(store),
    backupStorages: openBackupStorages(settings, (error) => log.error({ err: error }, 'backup storage unavailable')),
    onError: (error) => log.error({ err: error }, 'task failed; retrying'),
  };
  registerJobKinds(platform);
  return platform;
}

type WorkloadContext = AppContext['workloads'];

/** Adds the issuer keys and the limiters of token exchanges. */
function createWorkloadContext(
  context: CredentialContext & Pick<WorkloadContext, 'outbound' | 'denials'>,
): WorkloadContext {
  return {
    ...context,
    issuerKeys: createIssuerKeys(context.outbound, context.clock),
    refusedExchanges: createLeakyBucketLimiter(REFUSED_EXCHANGE_LIMITS),
    exchangesPerParent: createLeakyBucketLimiter(
      EXCHANGE_LIMITS.perParent,
      'This access token has been exchanged too often. Try again later.',
    ),
    exchangesPerIdentity: createLeakyBucketLimiter(
      WORKLOAD_LIMITS.perIdentity,
      'Too many access tokens were issued for this workload identity. Try again later.',
    ),
    exchangesPerWorkspace: createLeakyBucketLimiter(
      EXCHANGE_LIMITS.perWorkspace,
      'Too many tokens were exchanged in this workspace. Try again later.',
    ),
    isFirstRefusal: createFirstRefusalCheck(),
  };
}

/** Returns the verifier of leak reports; null if reports need not be signed. */
function createLeakVerifier(
  { leakKeys }: Settings,
  outbound: Outbound,
  clock: () => number,
): AppContext['verifyLeakSignature'] {
  if (leakKeys === null) return null;
  const headers = { accept: 'application/json', 'user-agent': 'devpilot' };
  const fetchKeys = (url: string) =>
    outbound.send({ url, method: 'GET', headers, timeoutMs: 10 * SECOND, maxResponseBytes: 65_536 });
  return createLeakSignatureVerifier(leakKeys, fetchKeys, clock);
}

/** Creates the services that routes and background work use. `url` returns the URL of the listener. */
export async function createServices(base: Base, cluster: NodeMembership, url: () => string): Promise<Services> {
  const { settings, options, clock, log, meter, store } = base;
  const { membership, registry, deletedSecrets, nodeId } = cluster;
  const waitForConfirmation: WaitForConfirmation = async (revocation) => {
    const receipt = await membership.waitForConfirmation(revocation);
    meter?.recordConfirmation(receipt.ms);
    return receipt;
  };
  const onDenialError = (error: unknown) => log.error({ err: error }, 'refusals not recorded in the activity log');
  const onRefreshError = (error: unknown) => log.error({ err: error }, 'foreign prefixes not read; retrying');
  const checks = await createCredentialChecks({
    store,
    clock,
    nodeId,
    registry,
    deletedSecrets,
    onDenialError,
    lastWallTime: options.clock ?? membership.lastWallTime,
  });
  const { authenticator, denials } = checks;
  const publicUrl = () => settings.publicUrl ?? url();
  const people = createPeopleContext(store, base.secret, settings, {
    clock,
    waitForConfirmation,
    denials,
    publicUrl,
    background: createBackgroundQueue(MAX_QUEUED_MAILS, (error) => log.error({ err: error }, 'email not sent')),
  });
  const sessionActivity = createSessionActivityBuffer(store);
  const jobs = createJobWorker({
    store,
    clock,
    nodeId,
    onError: (error) => log.error({ err: error }, 'job failed'),
    ...(meter !== null && { onJobEnd: meter.recordJobEnd }),
    ...options.jobTimings,
  });
  const outbound = createOutbound({ policy: settings.outbound, environment: process.env });
  const platform = createPlatform(base, jobs, { seal: people.seal, outbound, publicUrl });
  const webhooks = createDeliveryWorker({
    store,
    clock,
    nodeId,
    outbound,
    publicUrl,
    seal: people.seal,
    onError: (error) => log.error({ err: error }, 'webhook deliveries failed; retrying'),
  });
  const credentials: CredentialContext = {
    store,
    clock,
    waitForConfirmation,
    waitForAllConfirmations: membership.waitForAllConfirmations,
    flushUses: checks.flushUses,
    shareRates: checks.rateLimiter.flush,
    isForeignSecret: checks.foreignPrefixes.hasDeclaredPrefix,
    refreshForeignPrefixes: () => checks.foreignPrefixes.refresh().catch(onRefreshError),
  };
  const appContext: AppContext = {
    store,
    clock,
    people,
    platform,
    denials,
    sessionActivity,
    notify: {
      store,
      clock,
      outbound,
      publicUrl,
      seal: people.seal,
      sendsMail: people.mail !== null,
      wake: webhooks.wake,
    },
    version: packageJson.version,
    publicUrl: settings.publicUrl,
    listenHost: settings.host,
    seal: people.seal,
    authenticator: meter?.instrumentAuthenticator(authenticator) ?? authenticator,
    passphraseVerifier: checks.passphraseVerifier,
    findBySecret: checks.findBySecret,
    findReportedCredential: checks.findReportedCredential,
    wasDeleted: (secret) => deletedSecrets.find(digestOf(secret), clock()) !== null,
    unknownSessionLimiter: createLeakyBucketLimiter(UNKNOWN_SECRET_LIMITS),
    verifyLeakSignature: createLeakVerifier(settings, outbound, clock),
    guards: membership.guards,
    guardLookupLimiter: createLeakyBucketLimiter(UNKNOWN_SECRET_LIMITS),
    recordGuardUses: checks.usageJournal.addUses,
    credentials,
    workloads: createWorkloadContext({ ...credentials, outbound, denials }),
    flushDenials: () => checks.flushDenials().catch(onDenialError),
    readinessFailures: () => findReadinessFailures(store, membership.lease, cluster.skew),
  };
  return { checks, people, sessionActivity, jobs, platform, webhooks, appContext };
}
