import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireAll } from '../src/authorization/rights.ts';
import { createLeaseAuthorizer } from '../src/sdk/lease-authorizer.ts';
import { sha256 } from '../src/sdk/sha256.ts';
import { createKey, createToken, signUpOwner, startTestServer, type TestServer } from '../src/testing/test-server.ts';
import { ensureWrk, load } from './lib/load.ts';
import { readProcessorSeconds, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, formatList, medianRatio } from './lib/report.ts';
import { runFolder } from './lib/seed.ts';

const TOKENS = 1000;
const ROUNDS = 7;
const SECONDS = 2;
/** Average pause between the requests of a connection, so that both sides receive requests at the same rate. */
const PAUSE_MS = 2;
const PER_ROUND = 100_000;

/** Compares a guarded route of a Fastify server with a bare route of the same server. */
async function compareRoutes(server: TestServer, apiKey: string, secrets: readonly string[]): Promise<Finding[]> {
  await ensureWrk();
  const file = join(runFolder(), 'guard-secrets');
  writeFileSync(file, `${secrets.join('\n')}\n`);
  const guardedServer: ServerProcess = await startServerProcess('bench/lib/guarded.ts', { args: [server.url, apiKey] });
  const sides = () => ({ guarded: [] as number[], bare: [] as number[] });
  const [rates, perProcessor, perProcessorPaced] = [sides(), sides(), sides()];
  async function run(
    route: keyof typeof rates,
    meanPauseMs: number,
  ): Promise<{ perSecond: number; perProcessor: number }> {
    const before = readProcessorSeconds(guardedServer.pid);
    const options = { seconds: SECONDS, secretCount: TOKENS, meanPauseMs };
    const { perSecond, requests } = await load(runFolder(), file, `${guardedServer.url}/${route}`, options);
    return { perSecond, perProcessor: requests / (readProcessorSeconds(guardedServer.pid) - before) };
  }
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const order = round % 2 === 0 ? (['guarded', 'bare'] as const) : (['bare', 'guarded'] as const);
      for (const route of order) {
        const full = await run(route, 0);
        const paced = await run(route, PAUSE_MS);
        if (round === 0) continue;
        rates[route].push(full.perSecond);
        perProcessor[route].push(full.perProcessor);
        perProcessorPaced[route].push(paced.perProcessor);
      }
    }
  } finally {
    await guardedServer.stop();
  }
  const createFinding = (name: string, routeRates: typeof rates, unit: string, bound: Finding['bound']): Finding => ({
    ...{ name: name, unit: '×', bound },
    value: medianRatio(routeRates.guarded, routeRates.bare),
    measurements: `${formatList(routeRates.guarded)} over ${formatList(routeRates.bare)} ${unit}`,
  });
  const comparison = 'a guarded Fastify route, 1,000 tokens, relative to a bare one of the same server';
  const processor = "requests per second of the server's processor time";
  return [
    createFinding(comparison, rates, 'requests per second', atLeast(0.9)),
    createFinding(`${comparison}, by processor time`, perProcessor, processor, null),
    createFinding(`${comparison}, by processor time at the same pace`, perProcessorPaced, processor, null),
  ];
}

/** Compares a decision from a guard's cache, starting from headers, with one SHA-256 of the same string. */
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
  const requests = secrets.map((secret) => [
    ...['Host', 'api.example.com', 'Accept', '*/*', 'User-Agent', 'bench', 'Accept-Encoding', 'gzip'],
    ...['Authorization', `Bearer ${secret}`],
  ]);
  for (const headers of requests) await leaseAuthorizer.authorize(headers, '127.0.0.1');
  const decisionTimes: number[] = [];
  const hashTimes: number[] = [];
  let passed = 0;
  let length = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const order = Array.from({ length: PER_ROUND }, () => Math.floor(Math.random() * TOKENS));
    const startMs = performance.now();
    for (const index of order) {
      const decision = leaseAuthorizer.authorize(requests[index] ?? [], '127.0.0.1');
      if (!(decision instanceof Promise) && decision.allowed) passed++;
    }
    const middleMs = performance.now();
    for (const index of order) length += sha256(secrets[index] ?? '').length;
    const endMs = performance.now();
    // Yields to heartbeats and reports.
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (round === 0) continue;
    decisionTimes.push(((middleMs - startMs) * 1000) / PER_ROUND);
    hashTimes.push(((endMs - middleMs) * 1000) / PER_ROUND);
  }
  await leaseAuthorizer.close();
  if (passed !== PER_ROUND * (ROUNDS + 1) || length !== passed * 32) throw new Error('A request was not allowed.');
  return {
    name: "a decision in a guard's process relative to one SHA-256 of the same string",
    value: medianRatio(decisionTimes, hashTimes),
    unit: '×',
    bound: atMost(6),
    measurements: `${formatList(decisionTimes)} over ${formatList(hashTimes)} µs`,
  };
}

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
