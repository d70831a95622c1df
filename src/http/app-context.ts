import type { DenialBuffer } from '../audit/denials.ts';
import type { CredentialAuthenticator } from '../authorization/authenticate.ts';
import type { FindBySecret } from '../authorization/foreign-prefixes.ts';
import type { LeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import type { PassphraseVerifier } from '../authorization/passphrase-verifier.ts';
import type { UsageStore } from '../authorization/usage-recorder.ts';
import type { Guards } from '../cluster/guards.ts';
import type { CredentialContext } from '../credentials/credentials.ts';
import type { WorkloadContext } from '../credentials/workload-context.ts';
import type { NotifyContext } from '../notify/context.ts';
import type { PeopleContext } from '../people/context.ts';
import type { SessionActivityBuffer } from '../people/session-activity-buffer.ts';
import type { PlatformContext } from '../platform/context.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import type { VerifyLeakSignature } from './leak-signatures.ts';

/** The services and settings that route handlers use, assembled when the server starts. */
export interface AppContext {
  readonly version: string;
  /** The configured public URL, or null if none is set and clients use the listener's own address. */
  readonly publicUrl: string | null;
  /** The setting `HOST`: the address or name that the server listens on. */
  readonly listenHost: string;
  readonly store: Store;
  readonly seal: Seal;
  /** Returns the current time in epoch milliseconds. */
  readonly clock: () => number;
  readonly authenticator: CredentialAuthenticator;
  readonly passphraseVerifier: PassphraseVerifier;
  readonly findBySecret: FindBySecret;
  /**
   * Like `findBySecret`, for a secret that a request reports as leaked or revokes: if the credential was deleted, this
   * is not recorded as a use after its deletion.
   */
  readonly findReportedCredential: FindBySecret;
  /** Whether a secret that was just looked up belongs to a credential deleted within the last 90 days. No I/O. */
  readonly wasDeleted: (secret: string) => boolean;
  /** Counts requests with unknown session secrets, per client address. */
  readonly unknownSessionLimiter: LeakyBucketLimiter;
  /** Verifies the signature of a report of leaked secrets; null if unsigned reports are accepted. */
  readonly verifyLeakSignature: VerifyLeakSignature | null;
  readonly guards: Guards;
  /** Counts lookups of unknown digests, per API key of a guard. */
  readonly guardLookupLimiter: LeakyBucketLimiter;
  /** Stores uses that a guard has counted. A chunk that is sent again is not counted again. */
  readonly recordGuardUses: UsageStore['addUses'];
  readonly credentials: CredentialContext;
  readonly workloads: WorkloadContext;
  readonly people: PeopleContext;
  readonly platform: PlatformContext;
  readonly notify: NotifyContext;
  readonly denials: DenialBuffer;
  readonly sessionActivity: SessionActivityBuffer;
  /** Writes the buffered denials to the activity log. Never rejects: a failed write is retried later. */
  readonly flushDenials: () => Promise<void>;
  /** Returns why this node is not ready; empty if it is ready. The details are public. */
  readonly readinessFailures: () => Promise<readonly ReadinessFailure[]>;
}

export interface ReadinessFailure {
  readonly reason: 'store_unreachable' | 'store_fault' | 'no_lease' | 'clock_skew';
  readonly detail: string;
}
