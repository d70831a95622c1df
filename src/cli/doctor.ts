import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SKEW_LIMIT_MS } from '../server/clock-skew.ts';
import { readSettings, type Settings } from '../server/settings.ts';
import { databaseFileIn } from '../store/data-directory.ts';
import { readLeaseClock } from '../store/jobs.ts';
import { openReader } from '../store/open-reader.ts';
import { hasAnyPerson } from '../store/people.ts';
import { connect, type RemoteOptions, serverUrl } from './connect.ts';
import { dim, print, printJson, sanitizeInline } from './output.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const passed = (name: string, detail: string): Check => ({ name, ok: true, detail });
const failed = (name: string, detail: string): Check => ({ name, ok: false, detail });

/** Returns the message of an error; for an unreachable database, the message of its cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.name === 'ConnectError' ? error.cause.message : error.message;
}

function checkDirectory(path: string): Check {
  const name = 'data directory';
  if (!existsSync(path)) return passed(name, `${path} does not exist yet; "devpilot serve" creates it`);
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0) return failed(name, `${path} is accessible to other users. Run: chmod 700 ${path}`);
  const currentUid = process.getuid?.();
  if (currentUid !== undefined && currentUid !== 0 && uid !== currentUid)
    return failed(
      name,
      `${path} is owned by another user (uid ${uid}). Run Devpilot as that user, or change the owner`,
    );
  const secret = join(path, 'secret');
  if (existsSync(secret) && (statSync(secret).mode & 0o077) !== 0) {
    return failed(name, `${secret} is readable by other users. Run: chmod 600 ${secret}`);
  }
  return passed(name, `${path}, accessible only to its owner`);
}

function checkClock(peer: string, remoteMs: number, localMs: number): Check {
  const skewMs = Math.abs(remoteMs - localMs);
  const detail = `the clocks of this machine and ${peer} differ by ${Math.round(skewMs / 1000)} s`;
  return skewMs > SKEW_LIMIT_MS ? failed('clock', `${detail}. Synchronize both with NTP`) : passed('clock', detail);
}

async function checkStore(settings: Settings): Promise<Check[]> {
  const name = 'store';
  const isSqlite = settings.databaseUrl === null;
  if (isSqlite && !existsSync(databaseFileIn(settings.dataDirectory))) return [passed(name, 'SQLite, not created yet')];
  const engine = isSqlite ? 'SQLite' : 'PostgreSQL';
  const db = openReader(settings);
  try {
    const store = passed(name, (await hasAnyPerson(db)) ? engine : `${engine}; no user has signed up yet`);
    if (isSqlite) return [store];
    const requestedAtMs = Date.now();
    const remoteMs = await readLeaseClock(db, requestedAtMs);
    return [store, checkClock('the database', remoteMs, (requestedAtMs + Date.now()) / 2)];
  } catch (error) {
    return [failed(name, `${engine}: ${messageOf(error)}`)];
  } finally {
    await db.destroy();
  }
}

async function checkServer(url: string): Promise<Check[]> {
  const checks: Check[] = [];
  let response: Response;
  const requestedAtMs = Date.now();
  try {
    response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000), redirect: 'error' });
  } catch {
    return [
      failed(
        'server',
        `${url} does not respond. Start it with "devpilot serve", or set --url or DEVPILOT_URL if it is elsewhere`,
      ),
    ];
  }
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string };
  checks.push(
    response.ok ? passed('server', `${url} is ready`) : failed('server', `${url}: ${detail ?? response.status}`),
  );
  const remoteMs = Date.parse(response.headers.get('date') ?? '');
  // The Date header has a resolution of one second, so half a second is added.
  if (!Number.isNaN(remoteMs)) checks.push(checkClock('the server', remoteMs + 500, (requestedAtMs + Date.now()) / 2));
  return checks;
}

/** Reports the open notices to a signed-in owner or admin. Open notices do not fail the check. */
async function checkNotices(options: RemoteOptions): Promise<Check[]> {
  try {
    const { data, total } = await connect(options).notices.list({ status: 'open', limit: 3 });
    if (total === 0) return [passed('notices', 'none open')];
    const newest = data.map(({ title }) => title).join('; ');
    return [passed('notices', `${total} open (devpilot notices list), newest first: ${newest}`)];
  } catch {
    return [];
  }
}

async function runChecks(options: RemoteOptions): Promise<Check[]> {
  const checks = [passed('runtime', `Node ${process.versions.node}`)];
  try {
    const settings = readSettings(process.env);
    checks.push(passed('settings', 'all values are valid'));
    checks.push(checkDirectory(settings.dataDirectory), ...(await checkStore(settings)));
  } catch (error) {
    checks.push(failed('settings', messageOf(error)));
  }
  const server = await checkServer(serverUrl(options));
  const notices = server[0]?.ok === true ? await checkNotices(options) : [];
  return [...checks, ...server, ...notices];
}

/** Checks settings, data directory, database, server, clocks and open notices. Exits with code 1 if one fails. */
export async function doctor(options: RemoteOptions): Promise<void> {
  const checks = await runChecks(options);
  const checksToPrint = options.quiet === true ? checks.filter(({ ok }) => !ok) : checks;
  if (options.json === true) await printJson(checks);
  else
    await print(
      checksToPrint
        .map(({ name, ok, detail }) => `${ok ? 'ok  ' : 'FAIL'} ${name}  ${dim(sanitizeInline(detail))}\n`)
        .join(''),
    );
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
}
