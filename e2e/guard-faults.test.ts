import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { freePort, startPostgres, type TestPostgres } from '../src/testing/postgres.ts';
import { type StallingProxy, startStallingProxy } from '../src/testing/stalling-proxy.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signInRemotePerson,
  type TestPerson,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const REVOCATION_BOUND_MS = 1000;
const ROUNDS = 4;
/** Number of parallel requests with a token that can be used once. */
const PARALLEL_REQUESTS = 1_000;

interface RunningProcess {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts a process and waits for the line with its URL. */
function startProcess(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<RunningProcess> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'fatal', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /https?:\/\/[\w.:[\]]+/.exec(line)?.[0];
      if (url !== undefined) resolve({ child, url });
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} exited with code ${code} before it listened.`)));
  });
}

/** Sends a signal to a process and waits until it has ended. */
function stopProcess({ child }: RunningProcess, signal: NodeJS.Signals): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return exited;
}

/** Creates the first owner with `devpilot init`. */
function createOwner(environment: Readonly<Record<string, string>>): Promise<unknown> {
  const ownerOptions = ['--email', 'owner@example.com', '--name', 'Ada', '--workspace', 'Acme', '--password-stdin'];
  const child = spawn(process.execPath, ['bin/devpilot.mjs', 'init', ...ownerOptions], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(PASSWORD);
  return new Promise((resolve) => child.once('exit', resolve));
}

/**
 * An installation whose guard connects to the first server, and whose deletions are sent to the last one. With SQLite
 * both are the same server.
 */
interface GuardSetup {
  readonly environment: Readonly<Record<string, string>>;
  readonly serverCount: number;
  readonly close: () => Promise<void>;
}

async function setUpSqlite(): Promise<GuardSetup> {
  return {
    environment: { DEVPILOT_DATA_DIR: temporaryDirectory() },
    serverCount: 1,
    close: () => Promise.resolve(),
  };
}

async function setUpPostgres(): Promise<GuardSetup> {
  const postgres: TestPostgres = await startPostgres();
  return {
    environment: { DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET },
    serverCount: 3,
    close: () => postgres.close(),
  };
}

for (const [name, setUp] of [
  ['sqlite', setUpSqlite],
  ['postgres, with deletions sent to another server', setUpPostgres],
] as const) {
  describe(`a guard under faults, on ${name}`, () => {
    let setup: GuardSetup;
    let proxy: StallingProxy;
    let guardedService: RunningProcess;
    let owner: TestPerson;
    let ports: number[];
    const servers: RunningProcess[] = [];

    const startServer = (port: number) =>
      startProcess(['bin/devpilot.mjs', 'serve'], {
        ...setup.environment,
        PORT: String(port),
        DEVPILOT_REVOCATION_BOUND: `${REVOCATION_BOUND_MS}ms`,
      });

    before(async () => {
      setup = await setUp();
      await createOwner(setup.environment);
      ports = [];
      for (let index = 0; index < setup.serverCount; index++) {
        const port = await freePort();
        ports.push(port);
        servers.push(await startServer(port));
      }
      owner = await signInRemotePerson(servers.at(-1)?.url ?? '', 'owner@example.com');
      proxy = await startStallingProxy(ports[0] ?? 0);
      const key = await createKey(owner, ['read'], { guard: true });
      guardedService = await startProcess(['e2e/guarded-service.ts', `http://127.0.0.1:${proxy.port}`], {
        DEVPILOT_GUARD_KEY: key.secret,
      });
    });
    after(async () => {
      await stopProcess(guardedService, 'SIGKILL');
      await Promise.all(servers.map((server) => stopProcess(server, 'SIGKILL')));
      await proxy.close();
      await setup.close();
    });

    /** Returns the status of a guarded request, or 0 if there is no response. */
    const statusOf = async (secret: string): Promise<number> => {
      const response = await fetch(`${guardedService.url}/orders`, { headers: bearer(secret) }).catch(() => null);
      await response?.arrayBuffer().catch(() => undefined);
      return response?.status ?? 0;
    };
    const deleteToken = (id: string) => owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' });
    const revocationReceiptOf = (response: { headers: Headers }) => response.headers.get('devpilot-revocation') ?? '';

    /**
     * Sends a request. Returns how often the guard had asked Devpilot when it accepted the request, or null if the
     * guard rejected the request.
     */
    async function readAuthorizeRequestCount(secret: string): Promise<string | null> {
      const response = await fetch(`${guardedService.url}/orders`, { headers: bearer(secret) });
      const text = await response.text();
      return response.status === 200 ? text : null;
    }

    /** Creates a token and uses it until the guard decides from its cache. Returns the token and its number of uses. */
    async function createCachedToken(): Promise<{ id: string; secret: string; uses: number }> {
      const token = await createToken(owner, ['modify_env']);
      let uses = 0;
      await until(async () => {
        // Each accepted request is a use, whether or not the guard asked Devpilot.
        const firstCount = await readAuthorizeRequestCount(token.secret);
        const secondCount = await readAuthorizeRequestCount(token.secret);
        uses += [firstCount, secondCount].filter((count) => count !== null).length;
        return firstCount !== null && firstCount === secondCount;
      });
      return { ...token, uses };
    }

    test('a healthy guard confirms the deletion, and accepts nothing after the response', async () => {
      for (let round = 0; round < 20; round++) {
        const token = await createCachedToken();
        const response = await deleteToken(token.id);
        assert.match(
          revocationReceiptOf(response),
          new RegExp(`^nodes=${setup.serverCount + 1} confirmed=${setup.serverCount + 1} `),
        );
        assert.equal(await statusOf(token.secret), 401);
      }
    });

    test('the response to a deletion waits until the lease of a frozen guard expires; the guard accepts nothing when it resumes', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const token = await createCachedToken();
        guardedService.child.kill('SIGSTOP');
        const response = await deleteToken(token.id);
        assert.match(
          revocationReceiptOf(response),
          new RegExp(`^nodes=${setup.serverCount + 1} confirmed=${setup.serverCount} `),
        );
        const pending = Promise.all(Array.from({ length: 5 }, () => statusOf(token.secret)));
        guardedService.child.kill('SIGCONT');
        for (const status of await pending) assert.notEqual(status, 200);
      }
    });

    test('a disconnected guard decides until its lease expires, then rejects, and recovers by itself', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const remainingToken = await createCachedToken();
        const token = await createCachedToken();
        proxy.stall();
        assert.equal(await statusOf(remainingToken.secret), 200);
        let finished = false;
        const statusesBefore: number[] = [];
        const requests = (async () => {
          while (!finished) statusesBefore.push(await statusOf(token.secret));
        })();
        assert.equal((await deleteToken(token.id)).status, 204);
        const statusesAfter = await Promise.all([
          statusOf(token.secret),
          statusOf(token.secret),
          statusOf(remainingToken.secret),
        ]);
        finished = true;
        await requests;
        assert.deepEqual(statusesAfter.slice(0, 2), [503, 503]);
        assert.ok(statusesBefore.includes(200), 'the guard decided from its cache while it held the lease');
        // The remaining token is valid, so either status is correct.
        assert.ok(statusesAfter[2] === 200 || statusesAfter[2] === 503);
        proxy.resume();
        await until(async () => (await statusOf(remainingToken.secret)) === 200);
        assert.equal(await statusOf(token.secret), 401);
      }
    });

    test('all servers and two guards together accept a token with one use once, and at most once if a server is killed meanwhile', async () => {
      const key = await createKey(owner, ['read'], { guard: true });
      const secondGuard = await startProcess(['e2e/guarded-service.ts', servers.at(-1)?.url ?? ''], {
        DEVPILOT_GUARD_KEY: key.secret,
      });
      try {
        for (const killsServer of [false, true]) {
          const token = await createToken(owner, ['modify_env'], { restrictions: { maxUses: 1 } });
          const urls = [
            ...servers.map(({ url }) => `${url}/v1/authorize`),
            `${guardedService.url}/orders`,
            `${secondGuard.url}/orders`,
          ];
          const statusAt = async (url: string) => {
            const response = await fetch(url, { headers: bearer(token.secret) }).catch(() => null);
            await response?.arrayBuffer().catch(() => undefined);
            return response?.status ?? 0;
          };
          const killedServer = servers[0];
          let responseCount = 0;
          const responses = Array.from({ length: PARALLEL_REQUESTS }, async (_, index) => {
            const status = await statusAt(urls[index % urls.length] ?? '');
            responseCount++;
            // The first response shows that the other requests have been sent.
            if (killsServer && responseCount === 1) killedServer?.child.kill('SIGKILL');
            return status;
          });
          const accepted = (await Promise.all(responses)).filter((status) => status === 200);
          // A killed server can have counted the use without a response, but never more than one request is accepted.
          if (killsServer) assert.ok(accepted.length <= 1, String(accepted.length));
          else assert.equal(accepted.length, 1);
          if (killsServer && killedServer !== undefined) {
            await stopProcess(killedServer, 'SIGKILL');
            servers[0] = await startServer(ports[0] ?? 0);
          }
          // If the server was killed before it counted a use, one of these requests is accepted, and none after it.
          const laterStatuses: number[] = [];
          await until(async () => {
            laterStatuses.push(await statusAt(urls[0] ?? ''));
            return laterStatuses.at(-1) === 401;
          });
          const total = accepted.length + laterStatuses.filter((status) => status === 200).length;
          assert.ok(killsServer ? total <= 1 : total === 1, `${total} accepted`);
          for (const url of urls) assert.notEqual(await statusAt(url), 200);
          const tokenAfterwards = await owner.call<{ status: string }>(`/v1/access-tokens/${token.id}`);
          assert.equal(tokenAfterwards.body.status, 'spent');
        }
      } finally {
        await stopProcess(secondGuard, 'SIGTERM');
        await until(async () => (await statusOf((await createToken(owner, ['modify_env'])).secret)) === 200);
      }
    });

    test('a deletion waits until the lease that a killed server granted to the guard expires', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const token = await createCachedToken();
        await stopProcess(servers[0] as RunningProcess, 'SIGKILL');
        assert.equal(await statusOf(token.secret), 200);
        if (setup.serverCount === 1) servers[0] = await startServer(ports[0] ?? 0);
        else proxy.retarget(ports[1] ?? 0);
        const response = await deleteToken(token.id);
        assert.equal(response.status, 204);
        assert.notEqual(await statusOf(token.secret), 200);
        if (setup.serverCount > 1) {
          servers[0] = await startServer(ports[0] ?? 0);
          proxy.retarget(ports[0] ?? 0);
        }
        await until(async () => (await statusOf(token.secret)) === 401);
      }
    });

    test('a guard that is stopped reports its uses, and deletions do not wait for it', async () => {
      const token = await createCachedToken();
      for (let use = 0; use < 30; use++) assert.equal(await statusOf(token.secret), 200);
      await stopProcess(guardedService, 'SIGTERM');
      // Every server returns the uses once they have been added up, within about a second.
      const countedUses = async () =>
        (await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`)).body.useCount;
      await until(async () => (await countedUses()) > 0);
      assert.equal(await countedUses(), token.uses + 30);
      assert.match(
        revocationReceiptOf(await deleteToken(token.id)),
        new RegExp(`^nodes=${setup.serverCount} confirmed=${setup.serverCount} `),
      );
    });
  });
}
