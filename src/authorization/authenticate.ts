import type { RequestOrigin } from '../contract/audit.ts';
import { type Decision, decide, type PassphraseResult } from './decision.ts';
import type { PassphraseVerifier } from './passphrase-verifier.ts';
import type { CredentialRecord } from './record.ts';
import type { RecordRegistry } from './registry.ts';
import type { Requirement } from './rights.ts';
import { type Digest, digestOf, secretKindOf } from './secret.ts';
import type { FindRecord } from './unknown-secret-limiter.ts';
import type { UsageRecorder } from './usage-recorder.ts';

/** A credential as a request presents it. */
export interface AuthenticationRequest extends RequestOrigin {
  readonly secret: string;
  readonly passphrase: string | null;
  /** The client's address, as far as proxies are trusted. */
  readonly address: string;
}

/** What came of a judgement. The record is given for refusals too, so that they can be recorded. */
export interface AuthenticationResult {
  readonly decision: Decision;
  readonly record: CredentialRecord | null;
}

const UNKNOWN_CREDENTIAL: AuthenticationResult = { decision: 'invalid_token', record: null };

/** Told of every judgement, for metrics and for the activity log; must not throw. */
export type AuthenticationListener = (
  result: AuthenticationResult,
  request: AuthenticationRequest,
  requirement: Requirement,
) => void;

export interface CredentialAuthenticator {
  /**
   * Judges a presented credential, and counts a use if it passes. Answers at once when the record is
   * in memory and no hash is needed. Rejects with `unavailable` when the store can't be asked,
   * and with `rate_limited` for an address that presented too many unknown secrets.
   */
  authenticate(
    request: AuthenticationRequest,
    requirement: Requirement,
  ): AuthenticationResult | Promise<AuthenticationResult>;
}

export function createCredentialAuthenticator(options: {
  registry: Pick<RecordRegistry, 'findCached'>;
  findRecord: FindRecord;
  passphraseVerifier: PassphraseVerifier;
  usageRecorder: UsageRecorder;
  clock: () => number;
  /** The clock where `remembered` has looked at it in the same instant. */
  lastWallTime?: () => number;
  onResult?: AuthenticationListener;
}): CredentialAuthenticator {
  const { registry, findRecord, passphraseVerifier, usageRecorder, clock, lastWallTime = clock, onResult } = options;

  function finish(
    result: AuthenticationResult,
    request: AuthenticationRequest,
    requirement: Requirement,
    now: number,
  ): AuthenticationResult {
    if (result.decision === 'ok' && result.record !== null) {
      usageRecorder.count(result.record, request.address, now);
    }
    onResult?.(result, request, requirement);
    return result;
  }

  /** After a hash the record is asked for again: it may have been revoked meanwhile. */
  async function authenticateFromStore(
    digest: Digest,
    request: AuthenticationRequest,
    requirement: Requirement,
  ): Promise<AuthenticationResult> {
    let record = await findRecord(digest, request.address);
    let passphrase: PassphraseResult = 'not_needed';
    if (record !== null) {
      const immediate = passphraseVerifier.checkCached(record, request.passphrase, request.address, clock());
      passphrase =
        immediate ?? (await passphraseVerifier.verify(record, request.passphrase ?? '', request.address, clock));
      if (immediate === null) record = await findRecord(digest, request.address);
    }
    const now = clock();
    return finish({ decision: decide(record, passphrase, requirement, now), record }, request, requirement, now);
  }

  return {
    authenticate(request, requirement) {
      const kind = secretKindOf(request.secret);
      if (kind === null || kind === 'session') return finish(UNKNOWN_CREDENTIAL, request, requirement, clock());
      const digest = digestOf(request.secret);
      const found = registry.findCached(digest);
      if (found === null) return authenticateFromStore(digest, request, requirement);
      const now = lastWallTime();
      const passphrase = passphraseVerifier.checkCached(found, request.passphrase, request.address, now);
      if (passphrase === null) return authenticateFromStore(digest, request, requirement);
      return finish(
        { decision: decide(found, passphrase, requirement, now), record: found },
        request,
        requirement,
        now,
      );
    },
  };
}
