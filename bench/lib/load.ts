import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_CORE, run } from './processes.ts';
import { RUN_DIRECTORY } from './seed.ts';

/** Installs wrk from Debian if it is missing. */
export async function ensureWrk(): Promise<void> {
  const installed = await run('which', ['wrk']).catch(() => null);
  if (installed !== null) return;
  process.stdout.write('wrk is missing; installing it with apt-get\n');
  await run('apt-get', ['install', '-y', 'wrk']);
}

/**
 * Sends requests with the secrets of a file, one per line, in random or sequential order. Each request is assembled
 * from prepared strings, so that the generator is not the bottleneck. wrk pauses before each request only if the script
 * defines a function `delay`, so `pauseRandomly` is renamed to `delay` for a load with pauses. Arguments: file of the
 * secrets, number of secrets, order, mean pause in milliseconds, seed, zero-based index of the first secret.
 */
const SCRIPT = `
local secrets, count, position, order, mean_pause_ms = {}, 0, 0, 'random', 0
function init(args)
  local max_count = tonumber(args[2])
  for line in io.lines(args[1]) do
    count = count + 1
    secrets[count] = line
    if count == max_count then break end
  end
  order = args[3]
  mean_pause_ms = tonumber(args[4])
  math.randomseed(tonumber(args[5]))
  position = tonumber(args[6])
  head = 'GET ' .. wrk.path .. ' HTTP/1.1\\r\\nHost: ' .. wrk.host .. ':' .. wrk.port .. '\\r\\nAuthorization: Bearer '
end
function request()
  if order == 'random' then position = math.random(count) else position = position % count + 1 end
  return head .. secrets[position] .. '\\r\\n\\r\\n'
end
function pauseRandomly()
  return math.random(mean_pause_ms * 2)
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%f,"errors":%d,"p50Ms":%f,"p99Ms":%f}\\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`;

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly seconds: number;
  /** Number of secrets to use, from the start of the file. */
  readonly secretCount: number;
  readonly order?: 'random' | 'sequential';
  /** Zero-based index of the first secret to send, for the order `sequential`. */
  readonly firstSecretIndex?: number;
  /** Average pause before each request of a connection, in milliseconds; 0 by default, for full load. */
  readonly meanPauseMs?: number;
}

const CONNECTIONS = 32;
/** Average pause before each request of a connection with which 32 connections send about 3,000 requests per second. */
export const PACED_PAUSE_MS = 10;

let seed = 1;

/**
 * Sends load to a URL from the generator's core. Rejects if a request fails or a response has a status of 400 or above.
 */
export async function load(secretsFile: string, url: string, options: LoadOptions): Promise<Load> {
  const { seconds, secretCount, order = 'random', meanPauseMs = 0, firstSecretIndex = 0 } = options;
  const script = join(RUN_DIRECTORY, meanPauseMs > 0 ? 'paced.lua' : 'load.lua');
  writeFileSync(script, meanPauseMs > 0 ? SCRIPT.replace('pauseRandomly', 'delay') : SCRIPT);
  const output = await run('taskset', [
    '-c',
    LOAD_CORE,
    'wrk',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    url,
    '--',
    ...[secretsFile, secretCount, order, meanPauseMs, seed++, firstSecretIndex].map(String),
  ]);
  const resultLine = output.split('\n').find((line) => line.startsWith('{'));
  const parsed = JSON.parse(resultLine ?? '{}') as { requests: number; seconds: number; errors: number } & Load;
  if (!(parsed.requests > 0) || parsed.errors > 0) throw new Error(`The load on ${url} failed: ${output}`);
  const { requests, p50Ms, p99Ms } = parsed;
  return { requests, perSecond: requests / parsed.seconds, p50Ms, p99Ms };
}
