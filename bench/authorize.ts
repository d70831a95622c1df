import { readFileSync } from 'node:fs';
import { ensureWrk, type Load, load } from './lib/load.ts';
import { readProcessorSeconds, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, type Finding, formatList, medianRatio } from './lib/report.ts';
import { type SeededDirectory, seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 1_000_000;
const FEW_CREDENTIALS = 1_000;
const ROUNDS = 7;
const LOAD_SECONDS = 2;
/** Number of tokens that are used in random order: as many as a busy installation uses within a second. */
const TOKENS_IN_USE = 1_000;

/** Returns the response headers of the server, except those that `node:http` adds itself. */
async function readHeaders(server: ServerProcess, secret: string): Promise<Record<string, string>> {
  const response = await fetch(`${server.url}/v1/authorize`, { headers: { authorization: `Bearer ${secret}` } });
  const addedByNode = ['date', 'connection', 'keep-alive', 'transfer-encoding'];
  return Object.fromEntries([...response.headers].filter(([name]) => !addedByNode.includes(name)));
}

interface Side {
  readonly server: ServerProcess;
  readonly path: string;
  readonly seeded: SeededDirectory;
  readonly tokenCount: number;
  /** Requests per second of wall-clock time. */
  readonly rates: number[];
  /** Requests per second of the server's processor time. */
  readonly ratesPerProcessorSecond: number[];
}

async function runRound(side: Side): Promise<void> {
  const { server, path, seeded, tokenCount, rates, ratesPerProcessorSecond } = side;
  const before = readProcessorSeconds(server.pid);
  const { perSecond, requests }: Load = await load(seeded.secretsFile, server.url + path, {
    seconds: LOAD_SECONDS,
    secretCount: tokenCount,
  });
  rates.push(perSecond);
  ratesPerProcessorSecond.push(requests / (readProcessorSeconds(server.pid) - before));
}

function compare(name: string, numerator: Side, denominator: Side, bound: Finding['bound']): Finding[] {
  const formatRates = (a: readonly number[], b: readonly number[], unit: string) =>
    `${formatList(a)} over ${formatList(b)} ${unit}`;
  return [
    {
      name,
      value: medianRatio(numerator.rates, denominator.rates),
      unit: '×',
      bound,
      measurements: formatRates(numerator.rates, denominator.rates, 'requests per second'),
    },
    {
      name: `${name}, by processor time`,
      value: medianRatio(numerator.ratesPerProcessorSecond, denominator.ratesPerProcessorSecond),
      unit: '×',
      bound: null,
      measurements: formatRates(
        numerator.ratesPerProcessorSecond,
        denominator.ratesPerProcessorSecond,
        "requests per second of the server's processor time",
      ),
    },
  ];
}

/**
 * Compares `/v1/authorize` with a bare route of the same server, with a bare `node:http` server, and with the same
 * route when few credentials are stored.
 */
export async function authorize(): Promise<Finding[]> {
  await ensureWrk();
  const many = await seededDirectory(MANY_CREDENTIALS);
  const few = await seededDirectory(FEW_CREDENTIALS);
  const [secret = ''] = readFileSync(few.secretsFile, 'utf8').split('\n', 1);
  const manyServer = await startServerProcess('bench/lib/serve.ts', { directory: many.directory });
  const fewServer = await startServerProcess('bench/lib/serve.ts', { directory: few.directory });
  const bareServer = await startServerProcess('bench/lib/bare.ts', {
    args: [JSON.stringify(await readHeaders(fewServer, secret))],
  });
  const createSide = (server: ServerProcess, path: string, seeded: SeededDirectory, tokenCount: number): Side => ({
    server,
    path,
    seeded,
    tokenCount,
    rates: [],
    ratesPerProcessorSecond: [],
  });
  const manyTokens = createSide(manyServer, '/v1/authorize', many, TOKENS_IN_USE);
  const singleToken = createSide(manyServer, '/v1/authorize', many, 1);
  const bareRoute = createSide(manyServer, '/bare', many, TOKENS_IN_USE);
  const bareHttp = createSide(bareServer, '/v1/authorize', many, TOKENS_IN_USE);
  const fewStored = createSide(fewServer, '/v1/authorize', few, TOKENS_IN_USE);
  const sides = [manyTokens, bareRoute, bareHttp, fewStored, singleToken];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      // The order rotates, so that each side runs at each position. The first round is a warm-up.
      for (let turn = 0; turn < sides.length; turn++) {
        const side = sides[(turn + round) % sides.length];
        if (side !== undefined) await runRound(side);
      }
      if (round > 0) continue;
      for (const { rates, ratesPerProcessorSecond } of sides) {
        rates.length = 0;
        ratesPerProcessorSecond.length = 0;
      }
    }
  } finally {
    await Promise.all([manyServer.stop(), fewServer.stop(), bareServer.stop()]);
  }
  return [
    ...compare(
      'requests per second with 1 of 1,000,000 stored tokens, relative to a bare route of the same server',
      singleToken,
      bareRoute,
      atLeast(0.85, 0.95),
    ),
    ...compare(
      'requests per second with 1 of 1,000,000 stored tokens, relative to a bare node:http server',
      singleToken,
      bareHttp,
      atLeast(0.65, 0.8),
    ),
    ...compare(
      'requests per second with 1,000 of 1,000,000 stored tokens, relative to 1,000 of 1,000',
      manyTokens,
      fewStored,
      atLeast(0.95),
    ),
    ...compare(
      'requests per second with 1,000 of 1,000,000 stored tokens, relative to a bare route of the same server',
      manyTokens,
      bareRoute,
      atLeast(0.85, 0.95),
    ),
    ...compare(
      'requests per second with 1,000 of 1,000,000 stored tokens, relative to a bare node:http server',
      manyTokens,
      bareHttp,
      atLeast(0.65, 0.8),
    ),
  ];
}
