import { createDenialWriter } from '../audit/denial-writer.ts';
import { createDenialBuffer, type DenialBuffer } from '../audit/denials.ts';
import { type AuthenticationListener, createCredentialAuthenticator } from '../authorization/authenticate.ts';
import { createFailureLimiter } from '../authorization/failure-limiter.ts';
import { createFindRecord } from '../authorization/find-record.ts';
import { createFindBySecret, createForeignPrefixes } from '../authorization/foreign-prefixes.ts';
import { createLeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import { createPassphraseVerifier } from '../authorization/passphrase-verifier.ts';
import { createRateLimiter } from '../authorization/rate-limiter.ts';
import type { RecordRegistry } from '../authorization/registry.ts';
import { createTrustedClients } from '../authorization/trusted-clients.ts';
import { createUsageRecorder } from '../authorization/usage-recorder.ts';
import { createUseTaker } from '../authorization/use-batches.ts';
import { ID_PREFIXES } from '../contract/id.ts';
import { toIsoString } from '../contract/instant.ts';
import { FAILURE_LIMITS, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { setForeignSecretRecognizer } from '../contract/redact.ts';
import type { DeletedCredential, DeletedSecrets } from '../credentials/deleted-secrets.ts';
import { readForeignPrefixes } from '../credentials/policy.ts';
import { shareRateUses, takeStoredUses } from '../credentials/stored-record.ts';
import { createUsageJournal } from '../credentials/usage-journal.ts';
import { listRecentlyFailedSubjects } from '../store/failures.ts';
import type { Store } from '../store/store.ts';
import { listAddressesUsedSince } from '../store/usage.ts';
import { createFailureStore } from './people-context.ts';

/**
 * Maximum number of credentials whose pending uses are added to the stored counts before someone reads the counts, and
 * at a shutdown. If more credentials have pending uses, only the periodic additions add them.
 */
const MAX_CREDENTIALS_PER_ADDITION = 5_000;
/**
 * Maximum age, in milliseconds, of the failures that `refreshFailures` reads. Longer than clock differences and write
 * delays between nodes.
 */
const FAILURE_LOOKBACK_MS = 30_000;
const MAX_REFRESHED_SUBJECTS = 200;

/** Returns a listener that records refusals of known credentials. */
function createDenialListener(denials: DenialBuffer, clock: () => number): AuthenticationListener {
  return ({ decision, record }, request) => {
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
}

/** Returns the `Denial` that records a request with the secret of a deleted credential. */
function toDeletedUseDenial(
  { id, kind, name, workspaceId, deletedAt }: DeletedCredential,
  address: string,
  at: number,
) {
  const credential = { kind, id, name };
  return {
    workspaceId,
    actor: credential,
    credential,
    at,
    action: 'credential.used_after_deletion' as const,
    reason: `deleted at ${toIsoString(deletedAt)}`,
    origin: { address, userAgent: null, requestId: null },
  };
}

/** Creates the caches, limiters and counters of credential checks, and the functions that write the counts. */
export async function createCredentialChecks(options: {
  readonly store: Store;
  readonly clock: () => number;
  readonly lastWallTime: () => number;
  readonly nodeId: string;
  readonly registry: RecordRegistry;
  readonly deletedSecrets: DeletedSecrets;
  /** Called if refusals cannot be written to the activity log. */
  readonly onDenialError: (error: unknown) => void;
}) {
  const { store, clock, nodeId, registry, deletedSecrets } = options;
  const passphraseFailures = createFailureLimiter(createFailureStore(store), FAILURE_LIMITS.passphrase);
  const trustedClients = createTrustedClients((workspaceId, id, since) =>
    listAddressesUsedSince(store.read, workspaceId, id, since),
  );
  const passphraseVerifier = createPassphraseVerifier(passphraseFailures, trustedClients);
  const usageJournal = await createUsageJournal(store);
  const usageRecorder = createUsageRecorder(usageJournal, nodeId, registry.counterSlots);
  const denials = createDenialBuffer();
  const unknownSecretLimiter = createLeakyBucketLimiter(UNKNOWN_SECRET_LIMITS);
  const findRecord = createFindRecord(registry, unknownSecretLimiter, clock, (digest, address) => {
    const credential = deletedSecrets.find(digest, clock());
    if (credential !== null) denials.add(toDeletedUseDenial(credential, address, clock()));
  });
  const foreignPrefixes = createForeignPrefixes(() => readForeignPrefixes(store.read));
  await foreignPrefixes.refresh();
  setForeignSecretRecognizer(foreignPrefixes.hasDeclaredPrefix);
  const rateLimiter = createRateLimiter((uses) => shareRateUses(store, clock, uses), clock);
  const authenticator = createCredentialAuthenticator({
    registry,
    findRecord,
    foreignPrefixes,
    passphraseVerifier,
    usageRecorder,
    useCounting: { takeUse: createUseTaker((...uses) => takeStoredUses(store, clock, ...uses)), rateLimiter },
    clock,
    lastWallTime: options.lastWallTime,
    onResult: createDenialListener(denials, clock),
  });
  return {
    authenticator,
    passphraseVerifier,
    findBySecret: createFindBySecret(findRecord, foreignPrefixes),
    /** Finds the credential of a secret reported as leaked. Unlike `findBySecret`, records no use after deletion. */
    findReportedCredential: createFindBySecret(
      createFindRecord(registry, unknownSecretLimiter, clock),
      foreignPrefixes,
    ),
    foreignPrefixes,
    unknownSecretLimiter,
    usageJournal,
    usageRecorder,
    rateLimiter,
    denials,
    flushDenials: createDenialWriter(store, denials, clock, options.onDenialError),
    /** Adds the uses counted so far to the stored counts, which are about to be read, unless it would take too long. */
    async flushUses(): Promise<void> {
      const pending = usageRecorder.pendingCredentials() + usageJournal.pendingCredentials();
      if (pending === 0 || pending > MAX_CREDENTIALS_PER_ADDITION) return;
      await usageRecorder.flush();
      await usageJournal.addToCredentials();
    },
    /**
     * Writes all counted uses. If adding them to their credentials would delay the shutdown too long, the next start
     * adds them.
     */
    async flushLastUses(): Promise<void> {
      await rateLimiter.flush();
      await usageRecorder.flush();
      if (usageJournal.pendingCredentials() <= MAX_CREDENTIALS_PER_ADDITION) await usageJournal.addToCredentials();
    },
    /**
     * Reads recent passphrase failures, including those that other nodes counted. Otherwise, this node would not learn
     * of them, because it authorizes requests whose passphrase it has already verified from memory.
     */
    async refreshFailures(): Promise<void> {
      const since = clock() - FAILURE_LOOKBACK_MS;
      const prefix = ID_PREFIXES.access_token;
      const subjects = await listRecentlyFailedSubjects(store.read, prefix, since, MAX_REFRESHED_SUBJECTS);
      for (const subject of subjects) await passphraseFailures.refresh(subject, clock());
    },
  };
}

export type CredentialChecks = Awaited<ReturnType<typeof createCredentialChecks>>;
