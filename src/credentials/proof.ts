import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FailureLimiter } from './failures.ts';
import type { PassphraseVerdict } from './judge.ts';
import { verifyPassphrase } from './passphrase.ts';
import { createQueue, type Queue } from './queue.ts';
import type { CredentialRecord } from './record.ts';

export interface Proof {
  /** The verdict when it needs neither a hash nor the store, null otherwise. */
  quick(record: CredentialRecord, passphrase: string | null, address: string, now: number): PassphraseVerdict | null;
  /** The verdict, with a hash if it must be. Throws `unavailable` when too many hashes wait. */
  check(record: CredentialRecord, passphrase: string, address: string, clock: () => number): Promise<PassphraseVerdict>;
  /** Seconds until a try from `address` is judged again; at least 1. */
  retryAfter(record: CredentialRecord, address: string, now: number): number;
}

const PROVEN_KEPT = 100_000;
const WAITING_PER_CREDENTIAL = 64;

/**
 * Proves passphrases. A pair that was proven once is kept as an HMAC under a key that only this
 * process knows, so its next use costs microseconds. Tries of one credential are hashed one after
 * the other, so that the limits hold to the number however many come in parallel (CVE-2026-27801);
 * equal tries from one address share a hash.
 */
export function createProof(failures: FailureLimiter): Proof {
  const key = randomBytes(32);
  const proven = new Map<string, Uint8Array>();
  const lines = new Map<string, Queue>();
  const underWay = new Map<string, Promise<PassphraseVerdict>>();

  const macOf = (record: CredentialRecord, passphrase: string) =>
    createHmac('sha256', key)
      .update(`${record.id}\0${passphrase.normalize('NFC')}`)
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

  async function inLine<T>(record: CredentialRecord, work: () => Promise<T>): Promise<T> {
    const line = lines.get(record.id) ?? createQueue(1, WAITING_PER_CREDENTIAL);
    lines.set(record.id, line);
    try {
      return await line.run(work);
    } finally {
      if (line.size() === 0) lines.delete(record.id);
    }
  }

  async function hashOnce(
    record: CredentialRecord,
    passphrase: string,
    mac: Uint8Array,
    address: string,
    clock: () => number,
  ): Promise<PassphraseVerdict> {
    const { passphraseHash } = record;
    if (passphraseHash === null) return 'not_needed';
    return inLine(record, async () => {
      if (failures.wait(record.id, address, clock()) > 0) return 'limited';
      if (isProven(record, mac)) return 'correct';
      if (await verifyPassphrase(passphraseHash, passphrase)) {
        keep(record, mac);
        return 'correct';
      }
      await failures.add(record.id, address, clock());
      return 'incorrect';
    });
  }

  return {
    quick(record, passphrase, address, now) {
      if (record.passphraseHash === null) return 'not_needed';
      if (passphrase === null) return 'missing';
      if (failures.wait(record.id, address, now) > 0) return 'limited';
      return isProven(record, macOf(record, passphrase)) ? 'correct' : null;
    },
    async check(record, passphrase, address, clock) {
      await failures.refresh(record.id, clock());
      if (failures.wait(record.id, address, clock()) > 0) return 'limited';
      const mac = macOf(record, passphrase);
      if (isProven(record, mac)) return 'correct';
      const key = `${mac.toString('latin1')}${address}`;
      const running = underWay.get(key);
      if (running !== undefined) {
        const verdict = await running;
        if (verdict !== 'incorrect') return verdict;
        if (failures.wait(record.id, address, clock()) > 0) return 'limited';
        await failures.add(record.id, address, clock());
        return 'incorrect';
      }
      const mine = hashOnce(record, passphrase, mac, address, clock).finally(() => underWay.delete(key));
      underWay.set(key, mine);
      return mine;
    },
    retryAfter: (record, address, now) => Math.max(1, Math.ceil(failures.wait(record.id, address, now) / 1000)),
  };
}
