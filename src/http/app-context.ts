import type { DenialBuffer } from '../audit/denials.ts';
import type { CredentialAuthenticator } from '../authorization/authenticate.ts';
import type { PassphraseVerifier } from '../authorization/passphrase-verifier.ts';
import type { FindRecord, UnknownSecretLimiter } from '../authorization/unknown-secret-limiter.ts';
import type { UsageStore } from '../authorization/usage-recorder.ts';
import type { Guards } from '../cluster/guards.ts';
import type { CredentialContext } from '../credentials/credentials.ts';
import type { PeopleContext } from '../people/context.ts';
import type { SessionActivityBuffer } from '../people/session-activity-buffer.ts';
import type { PlatformContext } from '../platform/context.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';

/** All that routes work with, put together in `server.ts`. */
export interface AppContext {
  readonly version: string;
  /** The address people reach if it is set, null where it is the listener's own. */
  readonly publicUrl: string | null;
  /** What `HOST` says: the address or name that the server listens on. */
  readonly listenHost: string;
  readonly store: Store;
  readonly seal: Seal;
  readonly clock: () => number;
  readonly authenticator: CredentialAuthenticator;
  readonly passphraseVerifier: PassphraseVerifier;
  readonly findRecord: FindRecord;
  /** Session secrets that nobody was given, by address. */
  readonly unknownSessionLimiter: UnknownSecretLimiter;
  readonly guards: Guards;
  /** Digests that guards asked for and nobody was given, by the guard's key. */
  readonly guardLookupLimiter: UnknownSecretLimiter;
  /** Writes down uses that a guard has counted; a chunk that is sent again counts once. */
  readonly recordGuardUses: UsageStore['addUses'];
  readonly credentials: CredentialContext;
  readonly people: PeopleContext;
  readonly platform: PlatformContext;
  readonly denials: DenialBuffer;
  readonly sessionActivity: SessionActivityBuffer;
  /** Writes denials noted so far, so that the log shows them. */
  readonly flushDenials: () => Promise<void>;
  /** What keeps this node from being ready; empty when it is. Told to everybody. */
  readonly readinessFailures: () => Promise<readonly ReadinessFailure[]>;
}

export interface ReadinessFailure {
  readonly reason: 'store_unreachable' | 'store_fault' | 'no_lease' | 'clock_skew';
  readonly detail: string;
}
