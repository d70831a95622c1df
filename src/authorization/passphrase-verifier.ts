import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PassphraseResult } from './decision.ts';
import type { FailureLimiter } from './failure-limiter.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { normalizePassphrase, verifyPassphrase } from './passphrase.ts';
import type { CredentialRecord } from './record.ts';
import type { TrustedClients } from './trusted-clients.ts';

export interface PassphraseVerifier {
  /** Returns the result if it needs neither a hash nor the store, null otherwise. */
  checkCached(
    record: CredentialRecord,
    passphrase: string | null,
    address: string,
    now: number,
  ): PassphraseResult | null;
  /** Returns the result, hashing the passphrase if necessary. Throws `unavailable` if too many hashes are waiting. */
  verify(record: CredentialRecord, passphrase: string, address: string, clock: () => number): Promise<PassphraseResult>;
  /** Returns the seconds until `address` may try again, at least 1. `now` is in epoch milliseconds. */
  retryAfterSeconds(record: CredentialRecord, address: string, now: number): number;
}

const MAX_VERIFIED_PAIRS = 100_000;
/** Large, because waiting attempts need no hash once the limit is reached. */
const MAX_WAITING_PER_CREDENTIAL = 256;

/**
 * Verifies the passphrases of access tokens. A verified pair of token and passphrase is cached as an HMAC under a key
 * that exists only in this process, so that later checks take microseconds and need no hash. Attempts on one credential
 * are hashed one at a time, and limits are exact even for parallel attempts on several nodes, unlike in CVE-2026-27801.
 * Equal attempts from one address share a hash. A client that recently used the correct pair is not locked out by the
 * failures of other clients (`trusted-clients.ts`).
 */
export function createPassphraseVerifier(failures: FailureLimiter, trustedClients: TrustedClients): PassphraseVerifier {
  const macKey = randomBytes(32);
  const verifiedMacs = new Map<string, Uint8Array>();
  const hashMutex = createKeyedMutex(MAX_WAITING_PER_CREDENTIAL);
  const pendingVerifications = new Map<string, Promise<PassphraseResult>>();

  const macOf = (record: CredentialRecord, passphrase: string) =>
    createHmac('sha256', macKey)
      .update(`${record.id}\0${normalizePassphrase(passphrase)}`)
      .digest();

  function isVerified(record: CredentialRecord, mac: Uint8Array): boolean {
    const known = verifiedMacs.get(record.id);
    return known !== undefined && timingSafeEqual(known, mac);
  }

  function rememberVerified(record: CredentialRecord, mac: Uint8Array): void {
    verifiedMacs.set(record.id, mac);
    if (verifiedMacs.size <= MAX_VERIFIED_PAIRS) return;
    const [oldest] = verifiedMacs.keys();
    if (oldest !== undefined) verifiedMacs.delete(oldest);
  }

  /**
   * Counts a failure. Returns `incorrect`, or `limited` if the limit has been reached since the attempt began, to hide
   * that the passphrase was wrong.
   */
  async function countFailure(record: CredentialRecord, address: string, now: number): Promise<PassphraseResult> {
    const trusted = trustedClients.isTrusted(record, address, now) === true;
    return (await failures.recordFailure(record.id, address, now, trusted)) > 0 ? 'limited' : 'incorrect';
  }

  /** Milliseconds to wait according to the failures cached in this process. */
  const waitMsFor = (record: CredentialRecord, address: string, now: number) =>
    failures.waitMs(record.id, address, now, trustedClients.isTrusted(record, address, now) === true);

  async function verifyHash(
    record: CredentialRecord,
    passphrase: string,
    mac: Uint8Array,
    address: string,
    clock: () => number,
  ): Promise<PassphraseResult> {
    const { passphraseHash } = record;
    if (passphraseHash === null) return 'not_needed';
    return hashMutex.run(record.id, async () => {
      if (waitMsFor(record, address, clock()) > 0) return 'limited';
      if (isVerified(record, mac)) return 'correct';
      if (!(await verifyPassphrase(passphraseHash, passphrase, record.workspace.id)))
        return countFailure(record, address, clock());
      // Other nodes may have counted failures during the hash.
      await failures.refresh(record.id, clock());
      if (waitMsFor(record, address, clock()) > 0) return 'limited';
      rememberVerified(record, mac);
      return 'correct';
    });
  }

  return {
    checkCached(record, passphrase, address, now) {
      if (record.passphraseHash === null) return 'not_needed';
      if (passphrase === null) return 'missing';
      if (failures.waitMs(record.id, address, now) > 0) {
        const trusted = trustedClients.isTrusted(record, address, now);
        // For a trusted client the failures of other clients do not count. `verify` reads whether it is trusted.
        if (trusted === null && failures.waitMs(record.id, address, now, true) === 0) return null;
        if (waitMsFor(record, address, now) > 0) return 'limited';
      }
      return isVerified(record, macOf(record, passphrase)) ? 'correct' : null;
    },
    async verify(record, passphrase, address, clock) {
      await failures.refresh(record.id, clock());
      if (failures.waitMs(record.id, address, clock()) > 0) await trustedClients.load(record, address, clock());
      if (waitMsFor(record, address, clock()) > 0) return 'limited';
      const mac = macOf(record, passphrase);
      if (isVerified(record, mac)) return 'correct';
      const attemptKey = `${mac.toString('latin1')}${address}`;
      const pending = pendingVerifications.get(attemptKey);
      if (pending !== undefined) {
        const result = await pending;
        return result === 'incorrect' ? countFailure(record, address, clock()) : result;
      }
      const verification = verifyHash(record, passphrase, mac, address, clock).finally(() =>
        pendingVerifications.delete(attemptKey),
      );
      pendingVerifications.set(attemptKey, verification);
      return verification;
    },
    retryAfterSeconds: (record, address, now) => Math.max(1, Math.ceil(waitMsFor(record, address, now) / 1000)),
  };
}
