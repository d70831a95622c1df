import type { Origin } from '../contract/audit.ts';
import { judge, type PassphraseVerdict, type Verdict } from './judge.ts';
import type { Proof } from './proof.ts';
import type { CredentialRecord } from './record.ts';
import type { Registry } from './registry.ts';
import type { Demand } from './rights.ts';
import { type Digest, digestOf, secretKindOf } from './secret.ts';
import type { FindRecord } from './unknowns.ts';
import type { Usage } from './usage.ts';

/** A credential as a request presents it. */
export interface Presented extends Origin {
  readonly secret: string;
  readonly passphrase: string | null;
  /** The client's address, as far as proxies are trusted. */
  readonly address: string;
}

/** What came of a judgement. The record is given for refusals too, so that they can be recorded. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly record: CredentialRecord | null;
}

const NO_SUCH: Judgement = { verdict: 'invalid_token', record: null };

/** Told of every judgement, for metrics and for the activity log; must not throw. */
export type Watcher = (judgement: Judgement, presented: Presented, demand: Demand) => void;

export interface Judges {
  /**
   * Judges a presented credential, and counts a use if it passes. Answers at once when the record is
   * in memory and no hash is needed. Rejects with `unavailable` when the store can't be asked,
   * and with `rate_limited` for an address that presented too many unknown secrets.
   */
  judgePresented(presented: Presented, demand: Demand): Judgement | Promise<Judgement>;
}

export function createJudges(options: {
  registry: Pick<Registry, 'remembered'>;
  findRecord: FindRecord;
  proof: Proof;
  usage: Usage;
  clock: () => number;
  /** The clock where `remembered` has looked at it in the same instant. */
  looked?: () => number;
  watch?: Watcher;
}): Judges {
  const { registry, findRecord, proof, usage, clock, looked = clock, watch } = options;

  function conclude(judgement: Judgement, presented: Presented, demand: Demand, now: number): Judgement {
    if (judgement.verdict === 'ok' && judgement.record !== null) {
      usage.count(judgement.record, presented.address, now);
    }
    watch?.(judgement, presented, demand);
    return judgement;
  }

  /** After a hash the record is asked for again: it may have been revoked meanwhile. */
  async function judgeSlowly(digest: Digest, presented: Presented, demand: Demand): Promise<Judgement> {
    let record = await findRecord(digest, presented.address);
    let passphrase: PassphraseVerdict = 'not_needed';
    if (record !== null) {
      const quick = proof.quick(record, presented.passphrase, presented.address, clock());
      passphrase = quick ?? (await proof.check(record, presented.passphrase ?? '', presented.address, clock));
      if (quick === null) record = await findRecord(digest, presented.address);
    }
    const now = clock();
    return conclude({ verdict: judge(record, passphrase, demand, now), record }, presented, demand, now);
  }

  return {
    judgePresented(presented, demand) {
      const kind = secretKindOf(presented.secret);
      if (kind === null || kind === 'session') return conclude(NO_SUCH, presented, demand, clock());
      const digest = digestOf(presented.secret);
      const found = registry.remembered(digest);
      if (found === null) return judgeSlowly(digest, presented, demand);
      const now = looked();
      const passphrase = proof.quick(found, presented.passphrase, presented.address, now);
      if (passphrase === null) return judgeSlowly(digest, presented, demand);
      return conclude({ verdict: judge(found, passphrase, demand, now), record: found }, presented, demand, now);
    },
  };
}
