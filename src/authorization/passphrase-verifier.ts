import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PassphraseResult } from './decision.ts';
import type { FailureLimiter } from './failure-limiter.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { normalizePassphrase, verifyPassphrase } from './passphrase.ts';
import type { CredentialRecord } from './record.ts';
import type { TrustedClients } from './trusted-clients.ts';

export interface PassphraseVerifier {
  /** The verdict when it needs neither a hash nor the store, null otherwise. */
  checkCached(
    record: CredentialRecord,
    passphrase: string | null,
    address: string,
    now: number,
  ): PassphraseResult | null;
  /** The verdict, with a hash if it must be. Throws `unavailable` when too many hashes wait. */
  verify(record: CredentialRecord, passphrase: string, address: string, clock: () => number): Promise<PassphraseResult>;
  /** Seconds until a try from `address` is judged again; at least 1. */
  retryAfterSeconds(record: CredentialRecord, address: string, now: number): number;
}

const MAX_VERIFIED_PAIRS = 100_000;
/** Who finds the limit reached when their turn comes costs no hash, so many may wait. */
const MAX_WAITING_PER_CREDENTIAL = 256;

/**
 * Proves passphrases. A pair that was proven once is kept as an HMAC under a key that only this
 * process knows, so its next use costs microseconds. Tries of one credential are hashed one after
 * the other, and the limits hold to the number however many come in parallel, on whichever nodes
 * (CVE-2026-27801); equal tries from one address share a hash. The failures of others do not lock a client that has
 * used the right pair lately.
 */
export function createPassphraseVerifier(failures: FailureLimiter, trustedClients: TrustedClients): PassphraseVerifier {
  const key = randomBytes(32);
  const verifiedMacs = new Map<string, Uint8Array>();
  const hashMutex = createKeyedMutex(MAX_WAITING_PER_CREDENTIAL);
  const pendingVerifications = new Map<string, Promise<PassphraseResult>>();

  const macOf = (record: CredentialRecord, passphrase: string) =>
    createHmac('sha256', key)
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

  /** Counts a wrong try; if the limit was reached meanwhile, nobody is told that it was wrong. */
  async function countFailure(record: CredentialRecord, address: string, now: number): Promise<PassphraseResult> {
    const trusted = trustedClients.isTrusted(record, address, now) === true;
    return (await failures.recordFailure(record.id, address, now, trusted)) > 0 ? 'limited' : 'incorrect';
  }

  /** Milliseconds to wait by what this process knows. */
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
      // Other nodes may have counted failures while this one was hashing.
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
        // Whether others' failures count is not known yet.
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
      const key = `${mac.toString('latin1')}${address}`;
      const running = pendingVerifications.get(key);
      if (running !== undefined) {
        const result = await running;
        return result === 'incorrect' ? countFailure(record, address, clock()) : result;
      }
      const verification = verifyHash(record, passphrase, mac, address, clock).finally(() =>
        pendingVerifications.delete(key),
      );
      pendingVerifications.set(key, verification);
      return verification;
    },
    retryAfterSeconds: (record, address, now) => Math.max(1, Math.ceil(waitMsFor(record, address, now) / 1000)),
  };
}
