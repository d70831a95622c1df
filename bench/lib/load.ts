import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_CORE, run } from './processes.ts';

/** Installs wrk from Debian if it is missing. */
export async function ensureWrk(): Promise<void> {
  const installed = await run('which', ['wrk']).catch(() => null);
  if (installed !== null) return;
  process.stdout.write('wrk is missing; installing it with apt-get\n');
  await run('apt-get', ['install', '-y', 'wrk']);
}

/**
 * Sends requests with the secrets of a file, one per line, in random order or in sequence. Each request is assembled
 * from prepared strings, so that the generator is not the bottleneck.
 */
const SCRIPT = `
local secrets, count, at, order, pause = {}, 0, 0, 'random', 0
function init(args)
  local most = tonumber(args[2])
  for line in io.lines(args[1]) do
    count = count + 1
    secrets[count] = line
    if count == most then break end
  end
  order = args[3]
  pause = tonumber(args[4])
  math.randomseed(tonumber(args[5]))
  at = tonumber(args[6])
  head = 'GET ' .. wrk.path .. ' HTTP/1.1\\r\\nHost: ' .. wrk.host .. ':' .. wrk.port .. '\\r\\nAuthorization: Bearer '
end
function request()
  if order == 'random' then at = math.random(count) else at = at % count + 1 end
  return head .. secrets[at] .. '\\r\\n\\r\\n'
end
function pauseRandomly()
  return math.random(pause * 2)
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`;

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadOptions {
  readonly seconds: number;
  readonly connections?: number;
  /** Number of secrets to use, from the start of the file. */
  readonly of: number;
  readonly order?: 'random' | 'in turn';
  /** Index of the first secret for `in turn`. */
  readonly first?: number;
  /** Average delay before each request of a connection, in milliseconds. */
  readonly pause?: number;
}

let seed = 1;

/** Loads a URL from the generator's core. Rejects unless every response is a 200. */
export async function load(folder: string, secrets: string, url: string, options: LoadOptions): Promise<Load> {
  const { seconds, connections = 32, of, order = 'random', pause = 0, first = 0 } = options;
  const script = join(folder, pause > 0 ? 'paced.lua' : 'load.lua');
  writeFileSync(script, pause > 0 ? SCRIPT.replace('pauseRandomly', 'delay') : SCRIPT);
  const output = await run('taskset', [
    ...['-c', LOAD_CORE, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, url],
    ...[
      '--',
      secrets,
      String(of),
      order === 'random' ? 'random' : 'turn',
      String(pause),
      String(seed++),
      String(first),
    ],
  ]);
  const line = output.split('\n').find((text) => text.startsWith('{'));
  const parsed = JSON.parse(line ?? '{}') as { requests: number; seconds: number; errors: number } & Load;
  if (!(parsed.requests > 0) || parsed.errors > 0) throw new Error(`The load on ${url} failed: ${output}`);
  return { requests: parsed.requests, perSecond: parsed.requests / parsed.seconds, p50: parsed.p50, p99: parsed.p99 };
}
