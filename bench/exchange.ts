import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startWorkloadIssuer, type WorkloadIssuer } from '../src/testing/workload-issuer.ts';
import { ensureWrk, load, PACED_PAUSE_MS } from './lib/load.ts';
import { readProcessorSeconds, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { RUN_DIRECTORY, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const CREDENTIALS = 1_000;
const ROUNDS = 5;
const LOAD_SECONDS = 2;
/** Exceeds the rate limit of one workspace, so the exchanges are spread over several workspaces. */
const EXCHANGES_PER_SECOND = 20;
const WORKSPACES = 3;
const TOKENS = 100;

interface ExchangeBench {
  readonly server: ServerProcess;
  readonly issuer: WorkloadIssuer;
  /** IDs of workload identities, two in each workspace. */
  readonly identities: readonly string[];
}

async function request<Body>(url: string, headers: Record<string, string>, body: object): Promise<Body> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} returned ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}

function createOwnerClient({ url }: ServerProcess, { cookie }: SeededDirectory) {
  return <Body>(path: string, body: object, workspace: string) =>
    request<Body>(`${url}${path}`, { cookie, origin: url, 'devpilot-workspace': workspace }, body);
}

/** Creates tokens as a person, with the scopes and expiry of the issued tokens. Returns the file with their secrets. */
async function createTokens(server: ServerProcess, seeded: SeededDirectory): Promise<string> {
  const post = createOwnerClient(server, seeded);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const create = (_: unknown, index: number) => {
    const body = { name: `Token ${index}`, scopes: ['run_scripts'], expiresAt };
    return post<{ secret: string }>('/v1/access-tokens', body, seeded.workspaceId);
  };
  const tokens = await Promise.all(Array.from({ length: TOKENS }, create));
  const file = join(RUN_DIRECTORY, 'person-tokens');
  writeFileSync(file, `${tokens.map(({ secret }) => secret).join('\n')}\n`);
  return file;
}

async function createIdentities(server: ServerProcess, issuer: WorkloadIssuer, seeded: SeededDirectory) {
  const post = createOwnerClient(server, seeded);
  const { workspaceId } = seeded;
  const workspaces = [workspaceId];
  while (workspaces.length < WORKSPACES) {
    const name = `Workspace ${workspaces.length}`;
    workspaces.push((await post<{ id: string }>('/v1/workspaces', { name }, workspaceId)).id);
  }
  const fields = { issuer: issuer.url, conditions: { repository: 'acme/shop' }, scopes: ['run_scripts'] };
  const identities: string[] = [];
  for (const workspace of [...workspaces, ...workspaces]) {
    const body = { name: 'Shop', lifetimeSeconds: 3_600, ...fields };
    identities.push((await post<{ id: string }>('/v1/workload-identities', body, workspace)).id);
  }
  return identities;
}

const signTokens = ({ issuer, server }: ExchangeBench, count: number) =>
  Promise.all(
    Array.from({ length: count }, () => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuer.url,
        aud: server.url,
        sub: 'repo:acme/shop:ref:refs/heads/main',
        event_name: 'push',
      };
      return issuer.sign({ ...claims, repository: 'acme/shop', iat: now, exp: now + 600, jti: crypto.randomUUID() });
    }),
  );

let exchangeCount = 0;
/** Exchanges a workload's token for an access token of the next identity, in rotation. Returns its secret. */
async function exchangeToken({ server, identities }: ExchangeBench, token: string): Promise<string> {
  const { access_token: secret } = await request<{ access_token: string }>(
    `${server.url}/v1/oauth/token`,
    {},
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: token,
      resource: identities[exchangeCount++ % identities.length],
    },
  );
  return secret;
}

/** The result of one load. */
interface Sample {
  readonly perSecond: number;
  readonly requests: number;
  /** Processor time that the server used during the load. */
  readonly processorSeconds: number;
}

/** Exchanges tokens at a steady rate while `run` runs. */
async function withExchanges<Result>(bench: ExchangeBench, run: () => Promise<Result>): Promise<Result> {
  const tokens = await signTokens(bench, EXCHANGES_PER_SECOND * LOAD_SECONDS);
  const exchanges = tokens.map((token, index) =>
    pause((index * 1000) / EXCHANGES_PER_SECOND).then(() => exchangeToken(bench, token)),
  );
  const [result] = await Promise.all([run(), ...exchanges]);
  return result;
}

const requestsPerSecond = (samples: readonly Sample[]) => samples.map(({ perSecond }) => perSecond);
/** Returns the microseconds of processor time per request. */
const microsecondsPerRequest = (samples: readonly Sample[]) =>
  samples.map(({ processorSeconds, requests }) => (processorSeconds / requests) * 1e6);

/** Measures `/v1/authorize` while workload tokens are exchanged, and with the resulting access tokens. */
export async function exchange(): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(CREDENTIALS);
  const issuer = await startWorkloadIssuer();
  const environment = { DEVPILOT_OUTBOUND: 'any' };
  const server = await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory, environment });
  try {
    const bench = { server, issuer, identities: await createIdentities(server, issuer, seeded) };
    const workloadTokensFile = join(RUN_DIRECTORY, 'workload-tokens');
    const secrets = await Promise.all((await signTokens(bench, TOKENS)).map((token) => exchangeToken(bench, token)));
    writeFileSync(workloadTokensFile, `${secrets.join('\n')}\n`);
    const personTokensFile = await createTokens(server, seeded);
    const measure = async (run: () => Promise<{ requests: number; perSecond: number }>): Promise<Sample> => {
      const before = readProcessorSeconds(server.pid);
      const { requests, perSecond } = await run();
      return { requests, perSecond, processorSeconds: readProcessorSeconds(server.pid) - before };
    };
    const authorize = (meanPauseMs: number, secretCount = CREDENTIALS, file = seeded.secretsFile) => {
      const options = { seconds: LOAD_SECONDS, secretCount, meanPauseMs };
      return measure(() => load(file, `${server.url}/v1/authorize`, options));
    };
    /** Sends nothing itself. Used with `withExchanges`, whose exchanges are the requests of the sample. */
    const measureExchanges = () =>
      measure(() =>
        pause(LOAD_SECONDS * 1000, { requests: EXCHANGES_PER_SECOND * LOAD_SECONDS, perSecond: EXCHANGES_PER_SECOND }),
      );
    await authorize(0);
    const fullLoad: Sample[] = [];
    const fullLoadWithExchanges: Sample[] = [];
    const pacedLoad: Sample[] = [];
    const pacedLoadWithExchanges: Sample[] = [];
    const personTokens: Sample[] = [];
    const workloadTokens: Sample[] = [];
    const exchanges: Sample[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      fullLoad.push(await authorize(0));
      fullLoadWithExchanges.push(await withExchanges(bench, () => authorize(0)));
      exchanges.push(await withExchanges(bench, measureExchanges));
      pacedLoad.push(await authorize(PACED_PAUSE_MS));
      pacedLoadWithExchanges.push(await withExchanges(bench, () => authorize(PACED_PAUSE_MS)));
      personTokens.push(await authorize(0, TOKENS, personTokensFile));
      workloadTokens.push(await authorize(0, TOKENS, workloadTokensFile));
    }
    const exchangeSeconds = median(exchanges.map(({ processorSeconds }) => processorSeconds));
    const withoutExchangeCost = fullLoadWithExchanges.map((sample) => ({
      ...sample,
      processorSeconds: sample.processorSeconds - exchangeSeconds,
    }));
    return [
      {
        name: `throughput of /v1/authorize at full load with ${EXCHANGES_PER_SECOND} exchanges per second, relative to no exchanges`,
        value: medianRatio(requestsPerSecond(fullLoadWithExchanges), requestsPerSecond(fullLoad)),
        unit: '×',
        bound: atLeast(0.9),
        measurements: `${formatList(requestsPerSecond(fullLoadWithExchanges))} over ${formatList(requestsPerSecond(fullLoad))} per second`,
      },
      {
        name: `throughput of /v1/authorize at about 3,000 requests per second with ${EXCHANGES_PER_SECOND} exchanges per second, relative to no exchanges`,
        value: median(requestsPerSecond(pacedLoadWithExchanges)) / median(requestsPerSecond(pacedLoad)),
        unit: '×',
        bound: atLeast(0.97),
        measurements: `${formatList(requestsPerSecond(pacedLoadWithExchanges))} over ${formatList(requestsPerSecond(pacedLoad))} per second`,
      },
      {
        name: 'processor time per request during exchanges, minus the processor time of the exchanges, relative to no exchanges',
        value: medianRatio(microsecondsPerRequest(withoutExchangeCost), microsecondsPerRequest(fullLoad)),
        unit: '×',
        bound: atMost(1.05),
        measurements: `${formatList(microsecondsPerRequest(withoutExchangeCost))} over ${formatList(microsecondsPerRequest(fullLoad))} µs; an exchange ${formatList(microsecondsPerRequest(exchanges))} µs`,
      },
      {
        name: 'processor time per request with a token issued for a workload, relative to a token created by a person',
        value: medianRatio(microsecondsPerRequest(workloadTokens), microsecondsPerRequest(personTokens)),
        unit: '×',
        bound: atMost(1.03),
        measurements: `${formatList(microsecondsPerRequest(workloadTokens))} over ${formatList(microsecondsPerRequest(personTokens))} µs, ${TOKENS} tokens in random order`,
      },
    ];
  } finally {
    await server.stop();
    await issuer.close();
  }
}
