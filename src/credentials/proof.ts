import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FailureLimiter } from './failures.ts';
import type { PassphraseVerdict } from './judge.ts';
import { normalizePassphrase, verifyPassphrase } from './passphrase.ts';
import { createLines } from './queue.ts';
import type { CredentialRecord } from './record.ts';
import type { TrustedClients } from './trusted-clients.ts';

export interface Proof {
  /** The verdict when it needs neither a hash nor the store, null otherwise. */
  quick(record: CredentialRecord, passphrase: string | null, address: string, now: number): PassphraseVerdict | null;
  /** The verdict, with a hash if it must be. Throws `unavailable` when too many hashes wait. */
  check(record: CredentialRecord, passphrase: string, address: string, clock: () => number): Promise<PassphraseVerdict>;
  /** Seconds until a try from `address` is judged again; at least 1. */
  retryAfter(record: CredentialRecord, address: string, now: number): number;
}

const PROVEN_KEPT = 100_000;
/** Who finds the limit reached when their turn comes costs no hash, so many may wait. */
const WAITING_PER_CREDENTIAL = 256;

/**
 * Proves passphrases. A pair that was proven once is kept as an HMAC under a key that only this
 * process knows, so its next use costs microseconds. Tries of one credential are hashed one after
 * the other, and the limits hold to the number however many come in parallel, on whichever nodes
 * (CVE-2026-27801); equal tries from one address share a hash. The failures of others do not lock a client that has
 * used the right pair lately.
 */
export function createProof(failures: FailureLimiter, trust: TrustedClients): Proof {
  const key = randomBytes(32);
  const proven = new Map<string, Uint8Array>();
  const lines = createLines(WAITING_PER_CREDENTIAL);
  const underWay = new Map<string, Promise<PassphraseVerdict>>();

  const macOf = (record: CredentialRecord, passphrase: string) =>
    createHmac('sha256', key)
      .update(`${record.id}\0${normalizePassphrase(passphrase)}`)
      .digest();

  function isProven(record: CredentialRecord, mac: Uint8Array): boolean {
    const known = proven.get(record.id);
    return known !== undefined && timingSafeEqual(known, mac);
  }

  function keep(record: CredentialRecord, mac: Uint8Array): void {
    proven.set(record.id, mac);
    if (proven.size <= PROVEN_KEPT) return;
    const [oldest] = proven.keys();
    if (oldest !== undefined) proven.delete(oldest);
  }

  /** Counts a wrong try; if the limit was reached meanwhile, nobody is told that it was wrong. */
  async function countWrong(record: CredentialRecord, address: string, now: number): Promise<PassphraseVerdict> {
    const trusted = trust.known(record, address, now) === true;
    return (await failures.add(record.id, address, now, trusted)) > 0 ? 'limited' : 'incorrect';
  }

  /** Milliseconds to wait by what this process knows. */
  const waitOf = (record: CredentialRecord, address: string, now: number) =>
    failures.wait(record.id, address, now, trust.known(record, address, now) === true);

  async function hashOnce(
    record: CredentialRecord,
    passphrase: string,
    mac: Uint8Array,
    address: string,
    clock: () => number,
  ): Promise<PassphraseVerdict> {
    const { passphraseHash } = record;
    if (passphraseHash === null) return 'not_needed';
    return lines.run(record.id, async () => {
      if (waitOf(record, address, clock()) > 0) return 'limited';
      if (isProven(record, mac)) return 'correct';
      if (!(await verifyPassphrase(passphraseHash, passphrase, record.workspace.id)))
        return countWrong(record, address, clock());
      // Other nodes may have counted failures while this one was hashing.
      await failures.refresh(record.id, clock());
      if (waitOf(record, address, clock()) > 0) return 'limited';
      keep(record, mac);
      return 'correct';
    });
  }

  return {
    quick(record, passphrase, address, now) {
      if (record.passphraseHash === null) return 'not_needed';
      if (passphrase === null) return 'missing';
      if (failures.wait(record.id, address, now) > 0) {
        const trusted = trust.known(record, address, now);
        // Whether others' failures count is not known yet.
        if (trusted === null && failures.wait(record.id, address, now, true) === 0) return null;
        if (waitOf(record, address, now) > 0) return 'limited';
      }
      return isProven(record, macOf(record, passphrase)) ? 'correct' : null;
    },
    async check(record, passphrase, address, clock) {
      await failures.refresh(record.id, clock());
      if (failures.wait(record.id, address, clock()) > 0) await trust.learn(record, address, clock());
      if (waitOf(record, address, clock()) > 0) return 'limited';
      const mac = macOf(record, passphrase);
      if (isProven(record, mac)) return 'correct';
      const key = `${mac.toString('latin1')}${address}`;
      const running = underWay.get(key);
      if (running !== undefined) {
        const verdict = await running;
        return verdict === 'incorrect' ? countWrong(record, address, clock()) : verdict;
      }
      const mine = hashOnce(record, passphrase, mac, address, clock).finally(() => underWay.delete(key));
      underWay.set(key, mine);
      return mine;
    },
    retryAfter: (record, address, now) => Math.max(1, Math.ceil(waitOf(record, address, now) / 1000)),
  };
}
