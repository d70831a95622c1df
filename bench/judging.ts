import { createId } from '../src/contract/id.ts';
import { FAILURE_LIMITS } from '../src/contract/words.ts';
import { createFailureLimiter } from '../src/credentials/failures.ts';
import { createMemory } from '../src/credentials/memory.ts';
import { createJudges } from '../src/credentials/present.ts';
import { createProof } from '../src/credentials/proof.ts';
import { createRegistry } from '../src/credentials/registry.ts';
import { needAll } from '../src/credentials/rights.ts';
import { digestOf, mintSecret } from '../src/credentials/secret.ts';
import { createTrustedClients } from '../src/credentials/trusted-clients.ts';
import { createUsage } from '../src/credentials/usage.ts';
import { atMost, type Finding, list, medianRatio } from './lib/report.ts';

const RECORDS = 1_000_000;
const ROUNDS = 9;
const A_ROUND = 100_000;
const A_SLICE = 1_000;

/** Judging a million remembered records in random order, beside one SHA-256 of the same string. */
export async function judging(): Promise<Finding[]> {
  const registry = createRegistry({
    read: async () => ({
      kind: 'access_token',
      id: createId('access_token'),
      name: `Pipeline ${Math.random()}`,
      workspaceId: 'wsp_01',
      rights: ['run_scripts'],
      active: true,
      expiresAt: Date.now() + 1e9,
      createdAt: Date.now(),
      passphraseHash: null,
    }),
    lease: { holds: () => true },
    memory: createMemory(RECORDS),
  });
  const none = { recentFailures: async () => [], countFailure: async () => ({ before: [], counted: true }) };
  const usage = createUsage({ addUses: async () => undefined }, 'nod_01', registry.places);
  const judges = createJudges({
    registry,
    findRecord: registry.find,
    proof: createProof(
      createFailureLimiter(none, FAILURE_LIMITS.passphrase),
      createTrustedClients(() => Promise.resolve([])),
    ),
    usage,
    clock: Date.now,
  });
  const secrets: string[] = [];
  for (let made = 0; made < RECORDS; made++) {
    const secret = mintSecret('access_token');
    await registry.find(digestOf(secret));
    secrets.push(secret);
  }
  const demand = { access_token: needAll('access_token', ['run_scripts']), api_key: null };
  const judgeTimes: number[] = [];
  const hashTimes: number[] = [];
  let passed = 0;
  let length = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const order = Array.from({ length: A_ROUND }, () => secrets[Math.floor(Math.random() * RECORDS)] ?? '');
    let judging = 0;
    let hashing = 0;
    // In slices, and each string read before: a request's secret has just arrived, its record may be anywhere.
    for (let from = 0; from < A_ROUND; from += A_SLICE) {
      const slice = order.slice(from, from + A_SLICE);
      for (const secret of slice) length += digestOf(secret).length;
      const began = performance.now();
      for (const secret of slice) {
        const presented = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
        const judgement = judges.judgePresented(presented, demand);
        if (!(judgement instanceof Promise) && judgement.verdict === 'ok') passed++;
      }
      const between = performance.now();
      for (const secret of slice) length += digestOf(secret).length;
      hashing += performance.now() - between;
      judging += between - began;
    }
    await usage.flush();
    if (round === 0) continue;
    judgeTimes.push((judging * 1000) / A_ROUND);
    hashTimes.push((hashing * 1000) / A_ROUND);
  }
  if (passed !== A_ROUND * (ROUNDS + 1) || length !== 2 * passed * 32) throw new Error('A judgement did not pass.');
  return [
    {
      what: 'a judgement over one SHA-256 of the same string',
      figure: medianRatio(judgeTimes, hashTimes),
      unit: '×',
      bound: atMost(5, 3),
      from: `${list(judgeTimes)} over ${list(hashTimes)} µs`,
    },
  ];
}
