import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startTestIssuer, type TestIssuer } from '../src/testing/test-issuer.ts';
import { ensureWrk, load } from './lib/load.ts';
import { processorTimeOf, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, atMost, type Finding, list, median, medianRatio } from './lib/report.ts';
import { runFolder, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const CREDENTIALS = 1_000;
const ROUNDS = 5;
const SECONDS = 2;
/** Exchanges per second. They exceed the rate limit of one workspace, so they are spread over several. */
const PER_SECOND = 20;
const WORKSPACES = 3;
const TOKENS = 100;

interface Bench {
  readonly served: ServerProcess;
  readonly issuer: TestIssuer;
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

function ownerOf({ url }: ServerProcess, { cookie }: SeededDirectory) {
  return <Body>(path: string, body: object, workspace: string) =>
    request<Body>(`${url}${path}`, { cookie, origin: url, 'devpilot-workspace': workspace }, body);
}

/** Creates tokens of a person that are otherwise like workload tokens. Returns a file with their secrets. */
async function createTokens(served: ServerProcess, seeded: SeededDirectory): Promise<string> {
  const post = ownerOf(served, seeded);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const create = (_: unknown, index: number) => {
    const body = { name: `Plain ${index}`, scopes: ['run_scripts'], expiresAt };
    return post<{ secret: string }>('/v1/access-tokens', body, seeded.workspaceId);
  };
  const tokens = await Promise.all(Array.from({ length: TOKENS }, create));
  const file = join(runFolder(), 'plain');
  writeFileSync(file, `${tokens.map(({ secret }) => secret).join('\n')}\n`);
  return file;
}

async function createIdentities(served: ServerProcess, issuer: TestIssuer, seeded: SeededDirectory) {
  const post = ownerOf(served, seeded);
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

const signTokens = ({ issuer, served }: Bench, count: number) =>
  Promise.all(
    Array.from({ length: count }, () => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuer.url,
        aud: served.url,
        sub: 'repo:acme/shop:ref:refs/heads/main',
        event_name: 'push',
      };
      return issuer.sign({ ...claims, repository: 'acme/shop', iat: now, exp: now + 600, jti: crypto.randomUUID() });
    }),
  );

let turn = 0;
/** Exchanges a token for the next identity in turn. Returns the secret of the access token. */
async function exchangeOne({ served, identities }: Bench, token: string): Promise<string> {
  const { access_token: secret } = await request<{ access_token: string }>(
    `${served.url}/v1/oauth/token`,
    {},
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: token,
      resource: identities[turn++ % identities.length],
    },
  );
  return secret;
}

/** The result of a load, and the processor time that the server used for it in seconds. */
interface Sample {
  readonly perSecond: number;
  readonly requests: number;
  readonly processorTime: number;
}

/** Exchanges tokens at a steady rate while `run` runs. */
async function withExchanges<Result>(bench: Bench, run: () => Promise<Result>): Promise<Result> {
  const tokens = await signTokens(bench, PER_SECOND * SECONDS);
  const exchanges = tokens.map((token, index) =>
    pause((index * 1000) / PER_SECOND).then(() => exchangeOne(bench, token)),
  );
  const [result] = await Promise.all([run(), ...exchanges]);
  return result;
}

const rates = (samples: readonly Sample[]) => samples.map(({ perSecond }) => perSecond);
/** Returns the microseconds of processor time per request. */
const costs = (samples: readonly Sample[]) =>
  samples.map(({ processorTime, requests }) => (processorTime / requests) * 1e6);

/** Measures `/v1/authorize` while workload tokens are exchanged, and with the resulting access tokens. */
export async function exchange(): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(CREDENTIALS);
  const issuer = await startTestIssuer();
  const environment = { DEVPILOT_OUTBOUND: 'any' };
  const served = await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory, environment });
  try {
    const bench = { served, issuer, identities: await createIdentities(served, issuer, seeded) };
    const minted = join(runFolder(), 'minted');
    const secrets = await Promise.all((await signTokens(bench, TOKENS)).map((token) => exchangeOne(bench, token)));
    writeFileSync(minted, `${secrets.join('\n')}\n`);
    const plain = await createTokens(served, seeded);
    const measure = async (run: () => Promise<{ requests: number; perSecond: number }>): Promise<Sample> => {
      const before = processorTimeOf(served.pid);
      const { requests, perSecond } = await run();
      return { requests, perSecond, processorTime: processorTimeOf(served.pid) - before };
    };
    const authorize = (meanPauseMs: number, secretCount = CREDENTIALS, file = seeded.secrets) => {
      const options = { seconds: SECONDS, secretCount, connections: 32, meanPauseMs };
      return measure(() => load(runFolder(), file, `${served.url}/v1/authorize`, options));
    };
    const idle = () => measure(() => pause(SECONDS * 1000, { requests: PER_SECOND * SECONDS, perSecond: PER_SECOND }));
    await authorize(0);
    const [full, fullBeside, paced, pacedBeside]: [Sample[], Sample[], Sample[], Sample[]] = [[], [], [], []];
    const [ofPeople, ofWorkloads, exchanges]: [Sample[], Sample[], Sample[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      full.push(await authorize(0));
      fullBeside.push(await withExchanges(bench, () => authorize(0)));
      exchanges.push(await withExchanges(bench, idle));
      paced.push(await authorize(10));
      pacedBeside.push(await withExchanges(bench, () => authorize(10)));
      ofPeople.push(await authorize(0, TOKENS, plain));
      ofWorkloads.push(await authorize(0, TOKENS, minted));
    }
    const exchangeSeconds = median(exchanges.map(({ processorTime }) => processorTime));
    const checksBeside = fullBeside.map((sample) => ({
      ...sample,
      processorTime: sample.processorTime - exchangeSeconds,
    }));
    return [
      {
        name: `throughput of /v1/authorize at full load with ${PER_SECOND} exchanges per second, relative to none`,
        ...{ value: medianRatio(rates(fullBeside), rates(full)), unit: '×', bound: atLeast(0.9) },
        measurements: `${list(rates(fullBeside))} over ${list(rates(full))} per second`,
      },
      {
        name: 'the same at about 3,000 requests per second',
        ...{ value: median(rates(pacedBeside)) / median(rates(paced)), unit: '×', bound: atLeast(0.97) },
        measurements: `${list(rates(pacedBeside))} over ${list(rates(paced))} per second`,
      },
      {
        name: 'processor time per check beside exchanges, without that of the exchanges, relative to none',
        ...{ value: medianRatio(costs(checksBeside), costs(full)), unit: '×', bound: atMost(1.05) },
        measurements: `${list(costs(checksBeside))} over ${list(costs(full))} µs; an exchange ${list(costs(exchanges))} µs`,
      },
      {
        name: 'processor time per check of a token that was issued for a workload, relative to one of a person',
        ...{ value: medianRatio(costs(ofWorkloads), costs(ofPeople)), unit: '×', bound: atMost(1.03) },
        measurements: `${list(costs(ofWorkloads))} over ${list(costs(ofPeople))} µs, ${TOKENS} tokens in random order`,
      },
    ];
  } finally {
    await served.stop();
    await issuer.close();
  }
}
