import { readFileSync } from 'node:fs';
import { ensureWrk, type Load, load } from './lib/load.ts';
import { processorTimeOf, type ServerProcess, startServerProcess } from './lib/processes.ts';
import { atLeast, type Finding, list, medianRatio } from './lib/report.ts';
import { runFolder, type SeededDirectory, seededDirectory } from './lib/seed.ts';

const MANY = 1_000_000;
const FEW = 1_000;
const ROUNDS = 7;
const SECONDS = 2;
/** Number of tokens that are used in random order: as many as a busy installation uses within a second. */
const IN_USE = 1_000;

/** Returns the response headers of the server, except those that `node:http` adds itself. */
async function headersOf(server: ServerProcess, secret: string): Promise<Record<string, string>> {
  const response = await fetch(`${server.url}/v1/authorize`, { headers: { authorization: `Bearer ${secret}` } });
  const addedByNode = ['date', 'connection', 'keep-alive', 'transfer-encoding'];
  return Object.fromEntries([...response.headers].filter(([name]) => !addedByNode.includes(name)));
}

interface Side {
  readonly server: ServerProcess;
  readonly path: string;
  readonly seeded: SeededDirectory;
  readonly tokenCount: number;
  /** Requests per second of wall-clock time, and per second of the server's processor time. */
  readonly rates: number[];
  readonly ratesPerCpuSecond: number[];
}

async function runRound(side: Side): Promise<void> {
  const { server, path, seeded, tokenCount, rates, ratesPerCpuSecond } = side;
  const before = processorTimeOf(server.pid);
  const { perSecond, requests }: Load = await load(runFolder(), seeded.secrets, server.url + path, {
    seconds: SECONDS,
    secretCount: tokenCount,
  });
  rates.push(perSecond);
  ratesPerCpuSecond.push(requests / (processorTimeOf(server.pid) - before));
}

function compare(what: string, numerator: Side, denominator: Side, bound: Finding['bound']): Finding[] {
  const from = (a: readonly number[], b: readonly number[], unit: string) => `${list(a)} over ${list(b)} ${unit}`;
  return [
    {
      name: what,
      value: medianRatio(numerator.rates, denominator.rates),
      unit: '×',
      bound,
      measurements: from(numerator.rates, denominator.rates, 'requests per second'),
    },
    {
      name: `${what}, by processor time`,
      value: medianRatio(numerator.ratesPerCpuSecond, denominator.ratesPerCpuSecond),
      unit: '×',
      bound: null,
      measurements: from(
        numerator.ratesPerCpuSecond,
        denominator.ratesPerCpuSecond,
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
  const many = await seededDirectory(MANY);
  const few = await seededDirectory(FEW);
  const [secret = ''] = readFileSync(few.secrets, 'utf8').split('\n', 1);
  const ours = await startServerProcess('bench/lib/serve.ts', { directory: many.directory });
  const small = await startServerProcess('bench/lib/serve.ts', { directory: few.directory });
  const bare = await startServerProcess('bench/lib/bare.ts', {
    args: [JSON.stringify(await headersOf(small, secret))],
  });
  const side = (server: ServerProcess, path: string, seeded: SeededDirectory, tokenCount: number): Side => ({
    ...{ server, path, seeded, tokenCount },
    rates: [],
    ratesPerCpuSecond: [],
  });
  const inUse = side(ours, '/v1/authorize', many, IN_USE);
  const singleToken = side(ours, '/v1/authorize', many, 1);
  const route = side(ours, '/bare', many, IN_USE);
  const http = side(bare, '/v1/authorize', many, IN_USE);
  const fewer = side(small, '/v1/authorize', few, IN_USE);
  const sides = [inUse, route, http, fewer, singleToken];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      // The order rotates, so that each side runs at each position. The first round is a warm-up.
      for (let turn = 0; turn < sides.length; turn++) {
        const next = sides[(turn + round) % sides.length];
        if (next !== undefined) await runRound(next);
      }
      if (round === 0) for (const { rates, ratesPerCpuSecond } of sides) rates.length = ratesPerCpuSecond.length = 0;
    }
  } finally {
    await Promise.all([ours.stop(), small.stop(), bare.stop()]);
  }
  return [
    ...compare(
      'a token of 1,000,000 relative to a bare route of the same server',
      singleToken,
      route,
      atLeast(0.85, 0.95),
    ),
    ...compare('a token of 1,000,000 relative to a bare node:http server', singleToken, http, atLeast(0.65, 0.8)),
    ...compare(
      'requests with 1,000 tokens of 1,000,000 stored relative to 1,000 of 1,000 stored',
      inUse,
      fewer,
      atLeast(0.95),
    ),
    ...compare(
      '1,000 tokens of 1,000,000 relative to a bare route of the same server',
      inUse,
      route,
      atLeast(0.85, 0.95),
    ),
    ...compare('1,000 tokens of 1,000,000 relative to a bare node:http server', inUse, http, atLeast(0.65, 0.8)),
  ];
}
