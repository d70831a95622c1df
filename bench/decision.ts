import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import type { ResourceCheck } from '../src/authorization/restricted-use.ts';
import type { StoredRestrictions } from '../src/authorization/restrictions.ts';
import { requireAll } from '../src/authorization/rights.ts';
import { digestOf, mintSecret } from '../src/authorization/secret.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createId } from '../src/contract/id.ts';
import { createAuthenticator } from './lib/authenticator.ts';
import { atMost, type Finding, formatList, medianRatio } from './lib/report.ts';

const RECORDS = 1_000_000;
/** Number of address ranges and of apps per restricted credential: the maximum. */
const RESTRICTION_ENTRIES = 64;
const ROUNDS = 9;
const DECISIONS_PER_ROUND = 100_000;
const DECISIONS_PER_SLICE = 1_000;

const REQUIREMENT = { access_token: requireAll('access_token', ['run_scripts']), api_key: null };

/** Creates an authenticator with `count` cached access tokens. Returns their secrets too. */
async function createFilledAuthenticator(count: number, restrictionsOf: (index: number) => StoredRestrictions | null) {
  let reads = 0;
  const registry = createRecordRegistry({
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
      restrictions: restrictionsOf(reads++),
    }),
    lease: { holds: () => true },
    cache: createRecordCache(count),
  });
  const usageRecorder = createUsageRecorder({ addUses: async () => undefined }, 'nod_01', registry.counterSlots);
  const authenticator = createAuthenticator(registry, usageRecorder);
  const secrets: string[] = [];
  for (let index = 0; index < count; index++) {
    const secret = mintSecret('access_token');
    await registry.find(digestOf(secret));
    secrets.push(secret);
  }
  return { authenticator, usageRecorder, secrets };
}

/**
 * Compares decisions on credentials that have the maximum number of restrictions with decisions on unrestricted ones.
 * `identical`: all credentials have equal restrictions, which the cache stores once. `distinct`: each credential has an
 * address and an app of its own, so that the restrictions exceed the processor's caches.
 */
async function compareRestricted(
  credentialCount: number,
  restrictions: 'identical' | 'distinct',
  bound: Finding['bound'],
): Promise<Finding> {
  const indexes = Array.from({ length: RESTRICTION_ENTRIES - 1 }, (_, index) => index);
  const commonAddresses = indexes.map((index) => (index % 2 === 0 ? `10.${index}.0.0/16` : `2001:db8:${index}::/48`));
  const commonApps = indexes.map((index) => `app_${index}`);
  const sides = {
    unrestricted: await createFilledAuthenticator(credentialCount, () => null),
    restricted: await createFilledAuthenticator(credentialCount, (index) => {
      const number = restrictions === 'distinct' ? index : 0;
      return {
        addresses: [...commonAddresses, `192.0.${number >> 8}.${number & 255}`],
        projects: [],
        apps: [...commonApps, `app_of_${number}`],
        rate: null,
        maxUses: null,
      };
    }),
  };
  const timesUs = { unrestricted: [] as number[], restricted: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    const accessOrder = Array.from({ length: DECISIONS_PER_ROUND }, () => Math.floor(Math.random() * credentialCount));
    const spentMs = { unrestricted: 0, restricted: 0 };
    for (let from = 0; from < DECISIONS_PER_ROUND; from += DECISIONS_PER_SLICE) {
      for (const side of ['unrestricted', 'restricted'] as const) {
        const { authenticator, secrets } = sides[side];
        const startMs = performance.now();
        for (let index = from; index < from + DECISIONS_PER_SLICE; index++) {
          const app = commonApps[index % commonApps.length] ?? '';
          const checkResource: ResourceCheck = ({ apps }) => apps.has(app);
          const request = {
            secret: secrets[accessOrder[index] ?? 0] ?? '',
            passphrase: null,
            address: `10.${(index % (RESTRICTION_ENTRIES / 2)) * 2}.0.7`,
            userAgent: null,
            requestId: 'r',
            checkResource,
          };
          const result = authenticator.authenticate(request, REQUIREMENT);
          if (result instanceof Promise || result.decision !== 'ok') throw new Error('A decision was not ok.');
        }
        spentMs[side] += performance.now() - startMs;
      }
    }
    for (const side of ['unrestricted', 'restricted'] as const) {
      await sides[side].usageRecorder.flush();
      if (round > 0) timesUs[side].push((spentMs[side] * 1000) / DECISIONS_PER_ROUND);
    }
  }
  return {
    name: `a decision on a credential with ${RESTRICTION_ENTRIES} address ranges and ${RESTRICTION_ENTRIES} apps, relative to an unrestricted one, with ${credentialCount.toLocaleString('en')} such credentials (${restrictions} restrictions)`,
    value: medianRatio(timesUs.restricted, timesUs.unrestricted),
    unit: '×',
    bound,
    measurements: `${formatList(timesUs.restricted)} over ${formatList(timesUs.unrestricted)} µs`,
  };
}

/**
 * Compares a decision on a random one of a million cached records with one hash of its secret, and decisions on
 * restricted credentials with decisions on unrestricted ones.
 */
export async function decision(): Promise<Finding[]> {
  const { authenticator, usageRecorder, secrets } = await createFilledAuthenticator(RECORDS, () => null);
  const decisionTimesUs: number[] = [];
  const hashTimesUs: number[] = [];
  let allowed = 0;
  /** Sum of the digests' lengths, checked at the end so that the hashing cannot be optimized away. */
  let digestBytes = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const randomSecrets = Array.from(
      { length: DECISIONS_PER_ROUND },
      () => secrets[Math.floor(Math.random() * RECORDS)] ?? '',
    );
    let decidingMs = 0;
    let hashingMs = 0;
    // Reads each secret of a slice before the measurement, because the secret of a real request is usually in the
    // processor's cache, while the credential's record can be anywhere in memory.
    for (let from = 0; from < DECISIONS_PER_ROUND; from += DECISIONS_PER_SLICE) {
      const slice = randomSecrets.slice(from, from + DECISIONS_PER_SLICE);
      for (const secret of slice) digestBytes += digestOf(secret).length;
      const startMs = performance.now();
      for (const secret of slice) {
        const request = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
        const result = authenticator.authenticate(request, REQUIREMENT);
        if (!(result instanceof Promise) && result.decision === 'ok') allowed++;
      }
      const middleMs = performance.now();
      for (const secret of slice) digestBytes += digestOf(secret).length;
      hashingMs += performance.now() - middleMs;
      decidingMs += middleMs - startMs;
    }
    await usageRecorder.flush();
    if (round === 0) continue;
    decisionTimesUs.push((decidingMs * 1000) / DECISIONS_PER_ROUND);
    hashTimesUs.push((hashingMs * 1000) / DECISIONS_PER_ROUND);
  }
  if (allowed !== DECISIONS_PER_ROUND * (ROUNDS + 1)) throw new Error('A decision was not ok.');
  if (digestBytes !== 2 * allowed * 32) throw new Error('A digest did not have 32 bytes.');
  return [
    {
      name: 'a decision relative to one SHA-256 of the secret',
      value: medianRatio(decisionTimesUs, hashTimesUs),
      unit: '×',
      bound: atMost(5, 3),
      measurements: `${formatList(decisionTimesUs)} over ${formatList(hashTimesUs)} µs`,
    },
    await compareRestricted(100, 'identical', atMost(1.3)),
    await compareRestricted(10_000, 'identical', atMost(1.3)),
    await compareRestricted(10_000, 'distinct', null),
  ];
}
