import { createCredentialAuthenticator } from '../src/authorization/authenticate.ts';
import { createFailureLimiter } from '../src/authorization/failure-limiter.ts';
import { createPassphraseVerifier } from '../src/authorization/passphrase-verifier.ts';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import type { ResourceCheck } from '../src/authorization/restricted-use.ts';
import type { StoredRestrictions } from '../src/authorization/restrictions.ts';
import { requireAll } from '../src/authorization/rights.ts';
import { digestOf, mintSecret } from '../src/authorization/secret.ts';
import { createTrustedClients } from '../src/authorization/trusted-clients.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createId } from '../src/contract/id.ts';
import { FAILURE_LIMITS } from '../src/contract/limits.ts';
import { atMost, type Finding, formatList, medianRatio } from './lib/report.ts';
import { NO_LIMITED_USES } from './lib/use-counting.ts';

const RECORDS = 1_000_000;
const RESTRICTION_ENTRIES = 64;
const ROUNDS = 9;
const DECISIONS_PER_ROUND = 100_000;
const DECISIONS_PER_SLICE = 1_000;

const REQUIREMENT = { access_token: requireAll('access_token', ['run_scripts']), api_key: null };

/** Creates an authenticator with `count` cached access tokens. Returns their secrets too. */
async function createAuthenticatorWith(count: number, restrictionsOf: (index: number) => StoredRestrictions | null) {
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
  const noFailures = {
    recentFailures: async () => [],
    countFailureIfAllowed: async () => ({ earlier: [], counted: true }),
  };
  const usage = createUsageRecorder({ addUses: async () => undefined }, 'nod_01', registry.counterSlots);
  const authenticator = createCredentialAuthenticator({
    registry,
    findRecord: registry.find,
    passphraseVerifier: createPassphraseVerifier(
      createFailureLimiter(noFailures, FAILURE_LIMITS.passphrase),
      createTrustedClients(() => Promise.resolve([])),
    ),
    usageRecorder: usage,
    useCounting: NO_LIMITED_USES,
    clock: Date.now,
  });
  const secrets: string[] = [];
  for (let index = 0; index < count; index++) {
    const secret = mintSecret('access_token');
    await registry.find(digestOf(secret));
    secrets.push(secret);
  }
  return { authenticator, usage, secrets };
}

/** Compares decisions on credentials that have the maximum number of restrictions with decisions on unrestricted ones. */
async function compareRestricted(
  credentialCount: number,
  bound: Finding['bound'],
  lists: 'the same lists' | 'separate lists' = 'the same lists',
): Promise<Finding> {
  const hasSeparateLists = lists === 'separate lists';
  const indexes = Array.from({ length: RESTRICTION_ENTRIES }, (_, index) => index);
  const sharedAddresses = indexes.map((index) => (index % 2 === 0 ? `10.${index}.0.0/16` : `2001:db8:${index}::/48`));
  const sharedApps = indexes.map((index) => `app_${index}`);
  const sides = {
    unrestricted: await createAuthenticatorWith(credentialCount, () => null),
    restricted: await createAuthenticatorWith(credentialCount, (number) => ({
      addresses: hasSeparateLists ? [...sharedAddresses, `192.0.${number >> 8}.${number & 255}`] : sharedAddresses,
      projects: [],
      apps: hasSeparateLists ? [...sharedApps, `app_of_${number}`] : sharedApps,
      rate: null,
      maxUses: null,
    })),
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
          const app = `app_${index % RESTRICTION_ENTRIES}`;
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
      await sides[side].usage.flush();
      if (round > 0) timesUs[side].push((spentMs[side] * 1000) / DECISIONS_PER_ROUND);
    }
  }
  return {
    name: `a decision on a credential with ${RESTRICTION_ENTRIES} address ranges and ${RESTRICTION_ENTRIES} apps (${lists}), relative to an unrestricted one, with ${credentialCount.toLocaleString('en')} such credentials`,
    value: medianRatio(timesUs.restricted, timesUs.unrestricted),
    unit: '×',
    bound,
    measurements: `${formatList(timesUs.restricted)} over ${formatList(timesUs.unrestricted)} µs`,
  };
}

/** Compares the time of a decision on a random one of a million cached records with the time to hash its secret. */
export async function decision(): Promise<Finding[]> {
  const { authenticator, usage, secrets } = await createAuthenticatorWith(RECORDS, () => null);
  const decisionTimesUs: number[] = [];
  const hashTimesUs: number[] = [];
  let passed = 0;
  let length = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const randomSecrets = Array.from(
      { length: DECISIONS_PER_ROUND },
      () => secrets[Math.floor(Math.random() * RECORDS)] ?? '',
    );
    let decidingMs = 0;
    let hashingMs = 0;
    // Reads each string of a slice before the measurement, because the secret of a request is usually in the
    // processor's cache, while its record can be anywhere in memory.
    for (let from = 0; from < DECISIONS_PER_ROUND; from += DECISIONS_PER_SLICE) {
      const slice = randomSecrets.slice(from, from + DECISIONS_PER_SLICE);
      for (const secret of slice) length += digestOf(secret).length;
      const startMs = performance.now();
      for (const secret of slice) {
        const request = { secret, passphrase: null, address: '127.0.0.1', userAgent: null, requestId: 'r' };
        const result = authenticator.authenticate(request, REQUIREMENT);
        if (!(result instanceof Promise) && result.decision === 'ok') passed++;
      }
      const middleMs = performance.now();
      for (const secret of slice) length += digestOf(secret).length;
      hashingMs += performance.now() - middleMs;
      decidingMs += middleMs - startMs;
    }
    await usage.flush();
    if (round === 0) continue;
    decisionTimesUs.push((decidingMs * 1000) / DECISIONS_PER_ROUND);
    hashTimesUs.push((hashingMs * 1000) / DECISIONS_PER_ROUND);
  }
  if (passed !== DECISIONS_PER_ROUND * (ROUNDS + 1) || length !== 2 * passed * 32)
    throw new Error('A decision was not ok.');
  return [
    {
      name: 'a decision relative to one SHA-256 of the same string',
      value: medianRatio(decisionTimesUs, hashTimesUs),
      unit: '×',
      bound: atMost(5, 3),
      measurements: `${formatList(decisionTimesUs)} over ${formatList(hashTimesUs)} µs`,
    },
    await compareRestricted(100, atMost(1.3)),
    await compareRestricted(10_000, atMost(1.3)),
    await compareRestricted(10_000, null, 'separate lists'),
  ];
}
