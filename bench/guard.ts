import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireAll } from '../src/authorization/rights.ts';
import { createLeaseAuthorizer } from '../src/sdk/lease-authorizer.ts';
import { sha256 } from '../src/sdk/sha256.ts';
import { createKey, createToken, signUpOwner, startTestServer, type TestServer } from '../src/testing/test-server.ts';
import { ensureWrk, load } from './lib/load.ts';
import { readProcessorSeconds, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, formatList, medianRatio } from './lib/report.ts';
import { RUN_DIRECTORY } from './lib/seed.ts';

const TOKENS = 1000;
const ROUNDS = 7;
const LOAD_SECONDS = 2;
/**
 * Average pause between the requests of a connection, so that the guarded and the bare route receive requests at the
 * same rate.
 */
const PAUSE_MS = 2;
const DECISIONS_PER_ROUND = 100_000;

/** Compares a guarded route of a Fastify server with a bare route of the same server. */
async function compareRoutes(server: TestServer, apiKey: string, secrets: readonly string[]): Promise<Finding[]> {
  await ensureWrk();
  const secretsFile = join(RUN_DIRECTORY, 'guard-secrets');
  writeFileSync(secretsFile, `${secrets.join('\n')}\n`);
  const guardedServer: ServerProcess = await startServerProcess('bench/lib/guarded.ts', { args: [server.url, apiKey] });
  const createSamples = () => ({ guarded: [] as number[], bare: [] as number[] });
  const perSecondSamples = createSamples();
  const perProcessorSecondSamples = createSamples();
  const pacedPerProcessorSecondSamples = createSamples();
  async function measureRoute(route: 'guarded' | 'bare', meanPauseMs: number) {
    const before = readProcessorSeconds(guardedServer.pid);
    const options = { seconds: LOAD_SECONDS, secretCount: TOKENS, meanPauseMs };
    const { perSecond, requests } = await load(secretsFile, `${guardedServer.url}/${route}`, options);
    return { perSecond, perProcessorSecond: requests / (readProcessorSeconds(guardedServer.pid) - before) };
  }
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const order = round % 2 === 0 ? (['guarded', 'bare'] as const) : (['bare', 'guarded'] as const);
      for (const route of order) {
        const fullLoad = await measureRoute(route, 0);
        const paced = await measureRoute(route, PAUSE_MS);
        if (round === 0) continue;
        perSecondSamples[route].push(fullLoad.perSecond);
        perProcessorSecondSamples[route].push(fullLoad.perProcessorSecond);
        pacedPerProcessorSecondSamples[route].push(paced.perProcessorSecond);
      }
    }
  } finally {
    await guardedServer.stop();
  }
  const createFinding = (
    name: string,
    { guarded, bare }: { guarded: readonly number[]; bare: readonly number[] },
    unit: string,
    bound: Finding['bound'],
  ): Finding => ({
    name,
    value: medianRatio(guarded, bare),
    unit: '×',
    bound,
    measurements: `${formatList(guarded)} over ${formatList(bare)} ${unit}`,
  });
  const comparison =
    'requests per second of a guarded Fastify route with 1,000 tokens, relative to a bare route of the same server';
  const byProcessorTime = `${comparison}, by processor time`;
  const processorUnit = "requests per second of the server's processor time";
  return [
    createFinding(comparison, perSecondSamples, 'requests per second', atLeast(0.9)),
    createFinding(byProcessorTime, perProcessorSecondSamples, processorUnit, null),
    createFinding(`${byProcessorTime} at the same pace`, pacedPerProcessorSecondSamples, processorUnit, null),
  ];
}

/** Compares a decision from a guard's cache, starting from headers, with one SHA-256 of the secret. */
async function compareDecision(server: TestServer, apiKey: string, secrets: readonly string[]): Promise<Finding> {
  const leaseAuthorizer = createLeaseAuthorizer({
    url: server.url,
    apiKey,
    requirement: { access_token: requireAll('access_token', ['run_scripts']), api_key: null },
    authorizeRemotely: () => Promise.reject(new Error('The guard must decide this from its cache.')),
    workspace: undefined,
    timeout: 2000,
  });
  await leaseAuthorizer.ready();
  // Raw headers: names and values alternate.
  const otherHeaders = ['Host', 'api.example.com', 'Accept', '*/*', 'User-Agent', 'bench', 'Accept-Encoding', 'gzip'];
  const requests = secrets.map((secret) => [...otherHeaders, 'Authorization', `Bearer ${secret}`]);
  // The first request with each token fills the cache of the guard.
  for (const headers of requests) await leaseAuthorizer.authorize(headers, '127.0.0.1');
  const decisionTimesUs: number[] = [];
  const hashTimesUs: number[] = [];
  let allowed = 0;
  /** Sum of the digests' lengths, checked at the end so that the hashing cannot be optimized away. */
  let digestBytes = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const order = Array.from({ length: DECISIONS_PER_ROUND }, () => Math.floor(Math.random() * TOKENS));
    const startMs = performance.now();
    for (const index of order) {
      const decision = leaseAuthorizer.authorize(requests[index] ?? [], '127.0.0.1');
      if (!(decision instanceof Promise) && decision.allowed) allowed++;
    }
    const middleMs = performance.now();
    for (const index of order) digestBytes += sha256(secrets[index] ?? '').length;
    const endMs = performance.now();
    // Leaves time for heartbeats and reports of uses.
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (round === 0) continue;
    decisionTimesUs.push(((middleMs - startMs) * 1000) / DECISIONS_PER_ROUND);
    hashTimesUs.push(((endMs - middleMs) * 1000) / DECISIONS_PER_ROUND);
  }
  await leaseAuthorizer.close();
  if (allowed !== DECISIONS_PER_ROUND * (ROUNDS + 1)) throw new Error('A request was not allowed.');
  if (digestBytes !== allowed * 32) throw new Error('A digest did not have 32 bytes.');
  return {
    name: "a decision in a guard's process relative to one SHA-256 of the secret",
    value: medianRatio(decisionTimesUs, hashTimesUs),
    unit: '×',
    bound: atMost(6),
    measurements: `${formatList(decisionTimesUs)} over ${formatList(hashTimesUs)} µs`,
  };
}

/** Compares a guard's decision with one hash, and a guarded route with a bare one. */
export async function guard(): Promise<Finding[]> {
  const server = await startTestServer();
  try {
    const owner = await signUpOwner(server);
    const { secret: apiKey } = await createKey(owner, ['read'], { guard: true });
    const secrets: string[] = [];
    while (secrets.length < TOKENS) secrets.push((await createToken(owner, ['run_scripts'])).secret);
    return [await compareDecision(server, apiKey, secrets), ...(await compareRoutes(server, apiKey, secrets))];
  } finally {
    await server.close();
  }
}
