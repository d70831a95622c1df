import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { freePort, startPostgres, type TestPostgres } from '../src/testing/postgres.ts';
import { type StallingProxy, startStallingProxy } from '../src/testing/stalling-proxy.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signInRemotePerson,
  type TestPerson,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const BOUND = 1000;
const ROUNDS = 4;
/** Parallel tries to use a credential once. */
const TRIES = 1_000;

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts a process and waits for the line with its URL. */
function startProcess(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Process> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'fatal', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /https?:\/\/[\w.:[\]]+/.exec(line)?.[0];
      if (url !== undefined) resolve({ child, url });
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code} before it listened.`)));
  });
}

function ended({ child }: Process, signal: NodeJS.Signals): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return exited;
}

function makeOwner(environment: Readonly<Record<string, string>>): Promise<unknown> {
  const ownerOptions = ['--email', 'owner@example.com', '--name', 'Ada', '--workspace', 'Acme', '--password-stdin'];
  const child = spawn(process.execPath, ['bin/devpilot.mjs', 'init', ...ownerOptions], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(PASSWORD);
  return new Promise((resolve) => child.once('exit', resolve));
}

/** The guard's server, and another one that deletions are sent to; with the embedded database they are the same. */
interface GuardSetup {
  readonly environment: Readonly<Record<string, string>>;
  readonly servers: number;
  readonly close: () => Promise<void>;
}

async function onSqlite(): Promise<GuardSetup> {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-'));
  return {
    environment: { DEVPILOT_DATA_DIR: directory },
    servers: 1,
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function onPostgres(): Promise<GuardSetup> {
  const postgres: TestPostgres = await startPostgres();
  return {
    environment: { DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET },
    servers: 3,
    close: () => postgres.close(),
  };
}

for (const [name, open] of [
  ['sqlite', onSqlite],
  ['postgres, connected to one server, deleted at another', onPostgres],
] as const) {
  describe(`a guard under faults, on ${name}`, () => {
    let setup: GuardSetup;
    let proxy: StallingProxy;
    let guarded: Process;
    let owner: TestPerson;
    let ports: number[];
    const servers: Process[] = [];

    const startServer = (port: number) =>
      startProcess(['bin/devpilot.mjs', 'serve'], {
        ...setup.environment,
        PORT: String(port),
        DEVPILOT_REVOCATION_BOUND: `${BOUND}ms`,
      });

    before(async () => {
      setup = await open();
      await makeOwner(setup.environment);
      ports = [];
      for (let index = 0; index < setup.servers; index++) {
        const port = await freePort();
        ports.push(port);
        servers.push(await startServer(port));
      }
      owner = await signInRemotePerson(servers.at(-1)?.url ?? '', 'owner@example.com');
      proxy = await startStallingProxy(ports[0] ?? 0);
      const key = await createKey(owner, ['read'], { guard: true });
      guarded = await startProcess(['e2e/guarded.ts', `http://127.0.0.1:${proxy.port}`], {
        DEVPILOT_GUARD_KEY: key.secret,
      });
    });
    after(async () => {
      await ended(guarded, 'SIGKILL');
      await Promise.all(servers.map((server) => ended(server, 'SIGKILL')));
      await proxy.close();
      await setup.close();
    });

    /** The status of a guarded request; 0 without a response. */
    const statusOf = async (secret: string): Promise<number> => {
      const response = await fetch(`${guarded.url}/thing`, { headers: bearer(secret) }).catch(() => null);
      await response?.arrayBuffer().catch(() => undefined);
      return response?.status ?? 0;
    };
    const end = (id: string) => owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' });
    const receiptOf = (response: { headers: Headers }) => response.headers.get('devpilot-revocation') ?? '';

    /** How many requests the guard had sent when it accepted this one. */
    async function askedAt(secret: string): Promise<string | null> {
      const response = await fetch(`${guarded.url}/thing`, { headers: bearer(secret) });
      const text = await response.text();
      return response.status === 200 ? text : null;
    }

    /** A token whose decisions the guard makes from its cache, and its number of uses. */
    async function remembered(): Promise<{ id: string; secret: string; uses: number }> {
      const token = await createToken(owner, ['modify_env']);
      let uses = 0;
      await until(async () => {
        // Each accepted request is a use, including those for which the guard still sends a request.
        const counts = [await askedAt(token.secret), await askedAt(token.secret)];
        uses += counts.filter((count) => count !== null).length;
        return counts[0] !== null && counts[0] === counts[1];
      });
      return { ...token, uses };
    }

    test('healthy: it confirms the deletion, and accepts nothing after the response', async () => {
      for (let round = 0; round < 20; round++) {
        const token = await remembered();
        const response = await end(token.id);
        assert.match(receiptOf(response), new RegExp(`^nodes=${setup.servers + 1} confirmed=${setup.servers + 1} `));
        assert.equal(await statusOf(token.secret), 401);
      }
    });

    test('frozen: the response waits until its lease expires, and it accepts nothing when it resumes', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const token = await remembered();
        guarded.child.kill('SIGSTOP');
        const response = await end(token.id);
        assert.match(receiptOf(response), new RegExp(`^nodes=${setup.servers + 1} confirmed=${setup.servers} `));
        const pending = Promise.all(Array.from({ length: 5 }, () => statusOf(token.secret)));
        guarded.child.kill('SIGCONT');
        for (const status of await pending) assert.notEqual(status, 200);
      }
    });

    test('disconnected: it decides until its lease expires, then rejects, and recovers by itself', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const [alive, token] = [await remembered(), await remembered()];
        proxy.stall();
        assert.equal(await statusOf(alive.secret), 200);
        let finished = false;
        const early: number[] = [];
        const hammer = (async () => {
          while (!finished) early.push(await statusOf(token.secret));
        })();
        assert.equal((await end(token.id)).status, 204);
        const late = await Promise.all([statusOf(token.secret), statusOf(token.secret), statusOf(alive.secret)]);
        finished = true;
        await hammer;
        assert.deepEqual(late.slice(0, 2), [503, 503]);
        assert.ok(early.includes(200), 'it decided from its cache while it held the lease');
        assert.ok(late[2] === 200 || late[2] === 503);
        proxy.resume();
        await until(async () => (await statusOf(alive.secret)) === 200);
        assert.equal(await statusOf(token.secret), 401);
      }
    });

    test('a maximum of one use is one, over all servers and two guards, with a server killed in between', async () => {
      const key = await createKey(owner, ['read'], { guard: true });
      const second = await startProcess(['e2e/guarded.ts', servers.at(-1)?.url ?? ''], {
        DEVPILOT_GUARD_KEY: key.secret,
      });
      try {
        for (const isKilled of [false, true]) {
          const token = await createToken(owner, ['modify_env'], { restrictions: { maxUses: 1 } });
          const urls = [
            ...servers.map(({ url }) => `${url}/v1/authorize`),
            `${guarded.url}/thing`,
            `${second.url}/thing`,
          ];
          const statusAt = async (url: string) => {
            const response = await fetch(url, { headers: bearer(token.secret) }).catch(() => null);
            await response?.arrayBuffer().catch(() => undefined);
            return response?.status ?? 0;
          };
          const victim = servers[0];
          let answered = 0;
          const answers = Array.from({ length: TRIES }, async (_, index) => {
            const status = await statusAt(urls[index % urls.length] ?? '');
            answered++;
            // The first answer shows that the others are on their way.
            if (isKilled && answered === 1) victim?.child.kill('SIGKILL');
            return status;
          });
          const accepted = (await Promise.all(answers)).filter((status) => status === 200);
          // A killed server may have taken the use without answering: never more than one is accepted.
          if (isKilled) assert.ok(accepted.length <= 1, String(accepted.length));
          else assert.equal(accepted.length, 1);
          if (isKilled && victim !== undefined) {
            await ended(victim, 'SIGKILL');
            servers[0] = await startServer(ports[0] ?? 0);
          }
          // If no request took the use before the server was killed, one does now, and none after it.
          const late: number[] = [];
          await until(async () => {
            late.push(await statusAt(urls[0] ?? ''));
            return late.at(-1) === 401;
          });
          const total = accepted.length + late.filter((status) => status === 200).length;
          assert.ok(isKilled ? total <= 1 : total === 1, `${total} accepted`);
          for (const url of urls) assert.notEqual(await statusAt(url), 200);
          const found = await owner.call<{ status: string }>(`/v1/access-tokens/${token.id}`);
          assert.equal(found.body.status, 'spent');
        }
      } finally {
        await ended(second, 'SIGTERM');
        await until(async () => (await statusOf((await createToken(owner, ['modify_env'])).secret)) === 200);
      }
    });

    test('its server is killed: a deletion on another server waits for the lease granted by the killed one', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const token = await remembered();
        await ended(servers[0] as Process, 'SIGKILL');
        assert.equal(await statusOf(token.secret), 200);
        if (setup.servers === 1) servers[0] = await startServer(ports[0] ?? 0);
        else proxy.retarget(ports[1] ?? 0);
        const response = await end(token.id);
        assert.equal(response.status, 204);
        assert.notEqual(await statusOf(token.secret), 200);
        if (setup.servers > 1) {
          servers[0] = await startServer(ports[0] ?? 0);
          proxy.retarget(ports[0] ?? 0);
        }
        await until(async () => (await statusOf(token.secret)) === 401);
      }
    });

    test('its process is stopped: it reports its uses, and deletions do not wait for it', async () => {
      const token = await remembered();
      for (let time = 0; time < 30; time++) assert.equal(await statusOf(token.secret), 200);
      await ended(guarded, 'SIGTERM');
      // Another server shows the uses once they have been added up, within a second or so.
      const countedUses = async () =>
        (await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`)).body.useCount;
      await until(async () => (await countedUses()) > 0);
      assert.equal(await countedUses(), token.uses + 30);
      assert.match(receiptOf(await end(token.id)), new RegExp(`^nodes=${setup.servers} confirmed=${setup.servers} `));
    });
  });
}
