import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings, type Settings } from '../settings.ts';
import { leaseClock } from '../store/jobs.ts';
import { openReader } from '../store/open.ts';
import { anyPerson } from '../store/people.ts';
import { type Common, serverUrl } from './connect.ts';
import { dim, plain, print, printJson } from './output.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const good = (name: string, detail: string): Check => ({ name, ok: true, detail });
const bad = (name: string, detail: string): Check => ({ name, ok: false, detail });
/** What an error says; of a database that can't be reached why. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.name === 'ConnectFailure' ? error.cause.message : error.message;
}

function checkDirectory(path: string): Check {
  const name = 'data directory';
  if (!existsSync(path)) return good(name, `${path} is not there yet; serving makes it`);
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0) return bad(name, `others can enter ${path}: chmod 700 ${path}`);
  const self = process.getuid?.();
  if (self !== undefined && self !== 0 && uid !== self) return bad(name, `${path} belongs to another user (${uid})`);
  const secret = join(path, 'secret');
  if (existsSync(secret) && (statSync(secret).mode & 0o077) !== 0) {
    return bad(name, `others can read ${secret}: chmod 600 ${secret}`);
  }
  return good(name, `${path}, for its owner alone`);
}

/** More than this many milliseconds apart, expiries and second factors go wrong. */
const CLOCK_TOLERANCE = 5000;

function checkClock(whose: string, theirs: number, ours: number): Check {
  const apart = Math.abs(theirs - ours);
  const detail = `this machine and ${whose} are ${Math.round(apart / 1000)} s apart`;
  return apart > CLOCK_TOLERANCE ? bad('clock', `${detail}: set both by NTP`) : good('clock', detail);
}

async function checkStore(settings: Settings): Promise<Check[]> {
  const name = 'store';
  const isSqlite = settings.databaseUrl === null;
  if (isSqlite && !existsSync(join(settings.dataDirectory, 'devpilot.db'))) return [good(name, 'SQLite, not made yet')];
  const engine = isSqlite ? 'SQLite' : 'PostgreSQL';
  const db = openReader(settings);
  try {
    const store = good(name, (await anyPerson(db)) ? engine : `${engine}; nobody has signed up yet`);
    if (isSqlite) return [store];
    const asked = Date.now();
    const theirs = await leaseClock(db, asked);
    return [store, checkClock('the database', theirs, (asked + Date.now()) / 2)];
  } catch (error) {
    return [bad(name, `${engine}: ${said(error)}`)];
  } finally {
    await db.destroy();
  }
}

async function checkServer(url: string): Promise<Check[]> {
  const checks: Check[] = [];
  let answer: Response;
  const asked = Date.now();
  try {
    answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000), redirect: 'error' });
  } catch {
    return [bad('server', `${url} does not answer`)];
  }
  const { detail } = (await answer.json().catch(() => ({}))) as { detail?: string };
  checks.push(answer.ok ? good('server', `${url} is ready`) : bad('server', `${url}: ${detail ?? answer.status}`));
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  // The header has whole seconds, so half of one is added.
  if (!Number.isNaN(theirs)) checks.push(checkClock('the server', theirs + 500, (asked + Date.now()) / 2));
  return checks;
}

async function allChecks(options: Common): Promise<Check[]> {
  const checks = [good('runtime', `Node ${process.versions.node}`)];
  try {
    const settings = readSettings(process.env);
    checks.push(good('settings', 'every value is taken'));
    checks.push(checkDirectory(settings.dataDirectory), ...(await checkStore(settings)));
  } catch (error) {
    checks.push(bad('settings', said(error)));
  }
  return [...checks, ...(await checkServer(serverUrl(options)))];
}

/** Checks settings, data directory, store, server and clock. Ends with 1 if something is wrong. */
export async function doctor(options: Common): Promise<void> {
  const checks = await allChecks(options);
  const shown = options.quiet === true ? checks.filter(({ ok }) => !ok) : checks;
  if (options.json === true) await printJson(checks);
  else
    await print(
      shown.map(({ name, ok, detail }) => `${ok ? 'ok  ' : 'BAD '} ${name}  ${dim(plain(detail))}\n`).join(''),
    );
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}
