import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { LogLine } from '../contract/logs.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import type { Run, Script } from '../contract/scripts.ts';
import type { Server } from '../contract/servers.ts';
import { forEachEngine } from '../testing/engines.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

interface ProblemAnswer {
  code: string;
  detail: string;
  errors?: { field: string; message: string }[];
}

let sshd: TestSshd;
let folder: string;
before(async () => {
  sshd = await startSshd();
  folder = mkdtempSync(join(tmpdir(), 'devpilot-runs-'));
});
after(async () => {
  await sshd.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Whether a process has ended; a zombie counts as ended. */
function isGone(pid: string): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

const isOver = (run: Run) => !['pending', 'processing'].includes(run.status);

forEachEngine('runs', (engine) => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  let member: TestPerson;
  let ssh: Server;
  let local: Server;
  before(async () => {
    testServer = await startTestServer({
      clock: () => now,
      environment: { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' },
    });
    owner = await signUpOwner(testServer);
    member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    const address = { host: '127.0.0.1', port: sshd.port, user: sshd.user, hostKey: sshd.hostKey };
    ssh = (await owner.call<Server>('/v1/servers', { body: { name: 'Over ssh', kind: 'ssh', ...address } })).body;
    local = (await owner.call<Server>('/v1/servers', { body: { name: 'Right here', kind: 'local' } })).body;
    sshd.authorize([ssh.publicKey ?? '']);
  });
  after(() => testServer.close());

  async function script(body: string, more: object = {}): Promise<Script> {
    const created = await owner.call<Script>('/v1/scripts', {
      body: { name: 'A script', body, serverId: local.id, ...more },
    });
    assert.equal(created.status, 201, created.text);
    return created.body;
  }
  async function startRun(on: Script, parameters: object = {}, person = member): Promise<Run> {
    const response = await person.call<Run>(`/v1/scripts/${on.id}/runs`, { body: { parameters } });
    assert.equal(response.status, 202, response.text);
    return response.body;
  }
  const get = async (id: string) => (await member.call<Run>(`/v1/runs/${id}`)).body;
  async function waitUntilFinished(run: Run): Promise<Run> {
    await until(async () => isOver(await get(run.id)));
    return get(run.id);
  }
  async function linesOf(run: Run, query = ''): Promise<LogLine[]> {
    const { text } = await member.call(`/v1/runs/${run.id}/logs${query}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }
  const outputOf = async (run: Run, stream: LogLine['stream'] = 'stdout') =>
    (await linesOf(run)).filter((line) => line.stream === stream).map(({ text }) => text);

  for (const kind of ['ssh', 'local'] as const) {
    const on = () => ({ serverId: kind === 'ssh' ? ssh.id : local.id });

    test(`a script runs on ${kind}: its output, its exit code, its log`, async () => {
      const greet = await script('echo "Greetings, $NAME"; echo oh >&2; exit 3\n', {
        ...on(),
        parameters: [{ name: 'NAME', pattern: '[A-Z][a-z]+', default: 'Ada' }],
      });
      const first = await startRun(greet);
      assert.match(first.id, /^run_/);
      assert.deepEqual(
        [first.scriptId, first.scriptVersion, first.status, first.exitCode, first.parameters, first.createdBy.kind],
        [greet.id, 1, 'pending', null, { NAME: 'Ada' }, 'person'],
      );
      const ended = await waitUntilFinished(first);
      assert.deepEqual([ended.status, ended.exitCode], ['failed', 3]);
      assert.match(ended.error ?? '', /ended with exit code 3/);
      assert.ok(ended.startedAt !== null && ended.finishedAt !== null);
      assert.deepEqual(await outputOf(ended), ['Greetings, Ada']);
      assert.deepEqual(await outputOf(ended, 'stderr'), ['oh']);
      const all = await linesOf(ended);
      assert.deepEqual(await linesOf(ended, '?from=1'), all.slice(1));
      assert.ok(all.some((line) => line.step === 'script' && line.serverId === on().serverId));
    });

    test(`on ${kind} a parameter is passed byte for byte and never executed`, async () => {
      const trap = join(folder, `${engine.name}-${kind}`);
      const values = {
        A: `$(touch ${trap})`,
        B: `\`touch ${trap}\`; touch ${trap}; '"; touch ${trap} #`,
        C: 'line one\nline two\n\ttabbed  \\n',
        D: '-rf * ~ {a,b} ! \r ü 😀',
        E: '',
      };
      const show = await script('for name in A B C D E; do eval "printf %s \\"\\$$name\\"" | base64 -w0; echo; done', {
        ...on(),
        parameters: Object.keys(values).map((name) => ({ name })),
      });
      const ended = await waitUntilFinished(await startRun(show, values));
      assert.equal(ended.status, 'completed', ended.error ?? '');
      assert.deepEqual(ended.parameters, values);
      assert.equal(existsSync(trap), false);
      const shown = (await outputOf(ended)).map((line) => Buffer.from(line, 'base64').toString());
      assert.deepEqual(shown, Object.values(values));
    });

    test(`on ${kind} no value appears on a command line, and no file of the script remains`, async () => {
      const wait = join(folder, `go-${engine.name}-${kind}`);
      const look = await script('while [ ! -e "$WAIT" ]; do sleep 0.05; done; echo "$0"', {
        ...on(),
        parameters: [{ name: 'WAIT' }, { name: 'HIDDEN' }],
      });
      const run = await startRun(look, { WAIT: wait, HIDDEN: 'kept-off-every-command-line' });
      await until(async () => (await get(run.id)).startedAt !== null);
      const commandLines = () =>
        readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map((pid) => {
            try {
              return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
            } catch {
              return '';
            }
          });
      await until(async () => commandLines().some((line) => line.includes('devpilot-step-')));
      assert.ok(!commandLines().some((line) => line.includes('kept-off-every-command-line')));
      await script('true');
      writeFileSync(wait, '');
      const ended = await waitUntilFinished(run);
      const [file = ''] = await outputOf(ended);
      assert.match(file, /devpilot-step-/);
      assert.equal(existsSync(file), false);
    });

    test(`on ${kind} a script that hangs with its children is killed at its time limit`, async () => {
      const hang = await script('sleep 600 & echo $! ; trap "" TERM; while :; do sleep 1; done', {
        ...on(),
        timeoutSeconds: 1,
      });
      const ended = await waitUntilFinished(await startRun(hang));
      assert.equal(ended.status, 'failed');
      assert.match(ended.error ?? '', /longer than 1 seconds/);
      const [child = ''] = await outputOf(ended);
      await until(async () => isGone(child));
    });

    test(`on ${kind} a run is cancelled with all its processes`, async () => {
      const hang = await script('sleep 600 & echo $!; wait', on());
      const run = await startRun(hang);
      await until(async () => (await outputOf(run)).length > 0);
      const [child = ''] = await outputOf(run);
      const response = await member.call<Run>(`/v1/runs/${run.id}/cancel`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      const ended = await waitUntilFinished(run);
      assert.equal(ended.status, 'cancelled');
      assert.match(ended.error ?? '', /Cancelled by mia/);
      assert.ok(isGone(child));
      const again = await member.call<ProblemAnswer>(`/v1/runs/${run.id}/cancel`, { method: 'POST' });
      assert.equal(again.status, 409);
    });
  }

  test('output that is not UTF-8 or contains a Devpilot secret is neither stored nor shown unchanged', async () => {
    const secret = mintSecret('api_key');
    const talk = await script('printf "a\\377\\200b\\n"; echo "the key is $KEY!"; printf "no end"', {
      parameters: [{ name: 'KEY' }],
    });
    const ended = await waitUntilFinished(await startRun(talk, { KEY: secret }));
    const [first, second, third] = await outputOf(ended);
    assert.equal(first, 'a\ufffd\ufffdb');
    assert.ok(second !== undefined && !second.includes(secret) && second.startsWith('the key is '));
    assert.equal(third, 'no end');
  });

  test('a log is followed to its end while the script writes', async () => {
    const go = join(folder, `follow-${engine.name}`);
    const talk = await script('echo one; while [ ! -e "$GO" ]; do sleep 0.05; done; echo two', {
      parameters: [{ name: 'GO' }],
    });
    const run = await startRun(talk, { GO: go });
    const response = await fetch(`${testServer.url}/v1/runs/${run.id}/logs?follow=true`, {
      headers: { cookie: member.cookie, 'devpilot-workspace': member.workspaceId },
    });
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"one"') && !existsSync(go)) writeFileSync(go, '');
    }
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine);
    assert.deepEqual(
      lines.filter(({ stream }) => stream === 'stdout').map((line) => line.text),
      ['one', 'two'],
    );
    assert.equal(lines.at(-1)?.text, 'Completed.');
  });

  test('invalid values are refused, each is named, and nothing runs', async () => {
    const strict = await script('echo', {
      parameters: [
        { name: 'BRANCH', pattern: '[a-z]+(?:-[a-z]+)*' },
        { name: 'COUNT', pattern: '\\d{1,3}', default: '1' },
        { name: 'SLOW', pattern: '(a+)+b', default: 'ab' },
      ],
    });
    const refused: [object, string[]][] = [
      [{}, ['parameters.BRANCH']],
      [{ BRANCH: 'Main' }, ['parameters.BRANCH']],
      [{ BRANCH: 'main\n' }, ['parameters.BRANCH']],
      [{ BRANCH: 'main; id', COUNT: 'x' }, ['parameters.BRANCH', 'parameters.COUNT']],
      [{ BRANCH: 'main', OTHER: 'x' }, ['parameters.OTHER']],
      [{ BRANCH: 'main', PATH: '/tmp' }, ['parameters.PATH']],
      [{ BRANCH: 'main', COUNT: 5 }, ['parameters.COUNT']],
      [{ BRANCH: 'main', COUNT: null }, ['parameters.COUNT']],
      [{ BRANCH: 'a\0' }, ['parameters.BRANCH']],
      [{ BRANCH: 'x'.repeat(8193) }, ['parameters.BRANCH']],
      [{ BRANCH: 'main', SLOW: 'a'.repeat(5000) }, ['parameters.BRANCH', 'parameters.COUNT', 'parameters.SLOW']],
    ];
    for (const [parameters, fields] of refused) {
      const response = await member.call<ProblemAnswer>(`/v1/scripts/${strict.id}/runs`, { body: { parameters } });
      assert.equal(response.status, 422, `${JSON.stringify(parameters).slice(0, 60)} ${response.text}`);
      assert.deepEqual(
        response.body.errors?.map(({ field }) => field),
        fields,
      );
    }
    const proto = await member.call<ProblemAnswer>(`/v1/scripts/${strict.id}/runs`, {
      body: '{"parameters":{"BRANCH":"main","__proto__":"x"}}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(proto.status, 422);
    const unknown = await member.call(`/v1/scripts/${strict.id}/runs`, { body: { parameters: {}, args: [] } });
    assert.equal(unknown.status, 422);
    assert.deepEqual((await member.call<Page<Run>>(`/v1/scripts/${strict.id}/runs`)).body.data, []);
  });

  test('members and tokens with run_scripts may run; keys, other tokens and other workspaces may not', async () => {
    const plain = await script('true');
    const path = `/v1/scripts/${plain.id}/runs`;
    const token = await createToken(owner, ['run_scripts'], { name: 'Night job' });
    const ran = await testServer.call<Run>(path, { body: {}, headers: bearer(token.secret) });
    assert.equal(ran.status, 202, ran.text);
    assert.deepEqual(ran.body.createdBy, { kind: 'access_token', id: token.id, name: 'Night job' });
    // The token is deleted during its run; the run continues and keeps the token's name.
    assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
    const ended = await waitUntilFinished(ran.body);
    assert.deepEqual([ended.status, ended.createdBy.name], ['completed', 'Night job']);
    const other = await createToken(owner, ['modify_env']);
    const key = await createKey(owner, ['read', 'write', 'delete', 'deploy', 'view_logs']);
    for (const secret of [other.secret, key.secret]) {
      for (const [method, url] of [
        ['POST', path],
        ['GET', path],
        ['GET', `/v1/runs/${ended.id}`],
        ['GET', `/v1/runs/${ended.id}/logs`],
        ['POST', `/v1/runs/${ended.id}/cancel`],
      ] as const) {
        const body = method === 'POST' ? { body: {} } : {};
        assert.equal((await testServer.call(url, { method, headers: bearer(secret), ...body })).status, 403, url);
      }
    }
    const neighbour = await createWorkspaceFor(owner, testServer, `Next door ${engine.name}`);
    for (const url of [`/v1/runs/${ended.id}`, `/v1/runs/${ended.id}/logs`, path]) {
      assert.equal((await neighbour.call(url)).status, 404, url);
    }
    assert.equal((await neighbour.call(`/v1/runs/${ended.id}/cancel`, { method: 'POST' })).status, 404);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${ended.id}`);
    assert.deepEqual(
      log.body.data.map(({ action, actor }) => [action, actor.kind]),
      [
        ['run.finished', 'system'],
        ['run.created', 'access_token'],
      ],
    );
    assert.deepEqual(log.body.data[0]?.detail, { status: 'completed', exitCode: 0 });
  });

  test('an interpreter with arguments, a user of the server, and a user that does not exist', async () => {
    const words = await script('import os, sys\nprint(sys.argv[0] != "", os.environ["N"])\n', {
      interpreter: '/usr/bin/env python3',
      parameters: [{ name: 'N', default: '7' }],
    });
    assert.deepEqual(await outputOf(await waitUntilFinished(await startRun(words))), ['True 7']);
    const nobody = await script('id -un; echo "$N"', { runAs: 'nobody', parameters: [{ name: 'N', default: '7' }] });
    assert.deepEqual(await outputOf(await waitUntilFinished(await startRun(nobody))), ['nobody', '7']);
    const missing = await waitUntilFinished(await startRun(await script('id', { interpreter: '/nothing/here' })));
    assert.deepEqual([missing.status, missing.exitCode], ['failed', 127]);
    const stranger = await waitUntilFinished(await startRun(await script('id', { runAs: 'nosuchuser' })));
    assert.equal(stranger.status, 'failed');
  });

  test('a server that cannot be reached, or has no pinned key, fails the run with the reason', async () => {
    const body = { name: 'Nobody there', kind: 'ssh', host: '127.0.0.1', port: 1, user: 'x', hostKey: sshd.hostKey };
    const dead = (await owner.call<Server>('/v1/servers', { body })).body;
    const first = await waitUntilFinished(await startRun(await script('true', { serverId: dead.id })));
    assert.equal(first.status, 'failed');
    assert.match(first.error ?? '', /Connection failed/);
    const unpinned = (await owner.call<Server>('/v1/servers', { body: { ...body, hostKey: null } })).body;
    const second = await waitUntilFinished(await startRun(await script('true', { serverId: unpinned.id })));
    assert.match(second.error ?? '', /No host key is pinned/);
  });

  test('runs of a script are listed newest first, by status, and remain when it is deleted', async () => {
    const flaky = await script('exit "$CODE"', { parameters: [{ name: 'CODE', default: '0' }] });
    const runs: Run[] = [];
    for (const CODE of ['0', '1', '0']) runs.push(await waitUntilFinished(await startRun(flaky, { CODE })));
    const path = `/v1/scripts/${flaky.id}/runs`;
    const { body } = await member.call<Page<Run>>(path);
    assert.deepEqual(new Set(body.data.map(({ id }) => id)), new Set(runs.map(({ id }) => id)));
    const first = await member.call<Page<Run>>(`${path}?limit=2`);
    const rest = await member.call<Page<Run>>(`${path}?limit=2&cursor=${first.body.nextCursor}`);
    assert.deepEqual([...first.body.data, ...rest.body.data], body.data);
    const failed = await member.call<Page<Run>>(`${path}?status=failed`);
    assert.deepEqual(
      failed.body.data.map(({ id }) => id),
      [runs[1]?.id],
    );
    assert.equal((await member.call(`${path}?status=lost`)).status, 422);
    assert.equal((await owner.call(`/v1/scripts/${flaky.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await member.call(path)).status, 404);
    assert.deepEqual(await get(runs[0]?.id ?? ''), runs[0]);
    assert.ok((await linesOf(runs[0] as Run)).length > 0);
  });

  test('a script is not deleted during a run, and a run keeps the version it started with', async () => {
    const go = join(folder, `version-${engine.name}`);
    const firstScript = await script('while [ ! -e "$GO" ]; do sleep 0.05; done; echo one', {
      parameters: [{ name: 'GO', default: go }],
    });
    const run = await startRun(firstScript);
    await owner.call(`/v1/scripts/${firstScript.id}`, { method: 'PATCH', body: { body: 'echo two' } });
    const refused = await owner.call<ProblemAnswer>(`/v1/scripts/${firstScript.id}`, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    writeFileSync(go, '');
    assert.deepEqual(await outputOf(await waitUntilFinished(run)), ['one']);
    assert.deepEqual(await outputOf(await waitUntilFinished(await startRun(firstScript))), ['two']);
  });

  test('a schedule that is due during a run starts none, one after it, or one beside it', async () => {
    for (const [overlap, statuses] of [
      ['skip', ['processing']],
      ['queue', ['pending', 'processing']],
      ['allow', ['processing', 'processing']],
    ] as const) {
      const slow = await script('sleep 600', { name: `Overlap ${overlap}`, schedule: '0 3 * * *', overlap });
      const runs = async () => (await member.call<Page<Run>>(`/v1/scripts/${slow.id}/runs`)).body.data;
      const isProcessing = async () => (await runs()).filter(({ status }) => status === 'processing').length;
      await startRun(slow);
      await until(async () => (await isProcessing()) === 1);
      now = Date.parse((await member.call<Script>(`/v1/scripts/${slow.id}`)).body.nextRunAt ?? '');
      const next = async () => Date.parse((await member.call<Script>(`/v1/scripts/${slow.id}`)).body.nextRunAt ?? '');
      await until(async () => (await next()) > now);
      if (overlap === 'allow') await until(async () => (await isProcessing()) === 2);
      assert.deepEqual((await runs()).map(({ status }) => status).sort(), statuses, overlap);
      await owner.call(`/v1/scripts/${slow.id}`, { method: 'PATCH', body: { schedule: null } });
      for (const { id } of await runs()) await member.call(`/v1/runs/${id}/cancel`, { body: {} });
    }
  });

  test('the same Idempotency-Key starts one run', async () => {
    const plain = await script('true');
    const call = { body: {}, headers: { 'idempotency-key': 'run-once' } };
    const first = await member.call<Run>(`/v1/scripts/${plain.id}/runs`, call);
    const again = await member.call<{ id: string }>(`/v1/scripts/${plain.id}/runs`, call);
    assert.deepEqual([first.status, again.status, again.body.id], [202, 409, first.body.id]);
  });

  test('a schedule starts a run at its time with the default values, and one for all times that were missed', async () => {
    const nightly = await script('echo "$WHAT"', {
      name: 'Nightly',
      schedule: '0 3 * * *',
      parameters: [{ name: 'WHAT', default: 'everything' }],
    });
    const due = Date.parse(nightly.nextRunAt ?? '');
    const runs = async () => (await member.call<Page<Run>>(`/v1/scripts/${nightly.id}/runs`)).body.data;
    const next = async () => (await member.call<Script>(`/v1/scripts/${nightly.id}`)).body.nextRunAt;
    assert.deepEqual(await runs(), []);
    const nextRuns = async (idOrSlug: string) =>
      (await member.call<{ data: string[] }>(`/v1/scripts/${idOrSlug}/next-runs`)).body.data;
    const daysLater = (days: number) => new Date(due + days * 86_400_000).toISOString();
    assert.deepEqual(await nextRuns(nightly.slug), [0, 1, 2, 3, 4].map(daysLater));
    now = due;
    await until(async () => (await runs()).length === 1);
    const [first] = await runs();
    assert.deepEqual([first?.scheduledFor, first?.createdBy.kind], [nightly.nextRunAt, 'system']);
    assert.equal(await next(), new Date(due + 86_400_000).toISOString());
    assert.deepEqual(await outputOf(await waitUntilFinished(first as Run)), ['everything']);
    // Ten days without a node: one run, then the next due time.
    now = due + 10 * 86_400_000 + 5000;
    await until(async () => (await runs()).length === 2);
    await until(async () => (await next()) === new Date(due + 11 * 86_400_000).toISOString());
    const all = await runs();
    assert.equal(all.length, 2);
    await waitUntilFinished(all[0] as Run);
    await owner.call(`/v1/scripts/${nightly.id}`, { method: 'PATCH', body: { schedule: null } });
    assert.equal(await next(), null);
    assert.deepEqual(await nextRuns(nightly.id), []);
  });

  test('the newest finished runs are kept, older ones are deleted with their logs', async () => {
    const brief = await script('true', { name: 'Brief', keepRuns: 2 });
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      now += 1;
      ids.push((await waitUntilFinished(await startRun(brief))).id);
    }
    const kept = (await member.call<Page<Run>>(`/v1/scripts/${brief.id}/runs`)).body.data.map(({ id }) => id);
    assert.deepEqual(kept, [ids[3], ids[2]]);
    const statuses = await Promise.all(ids.map(async (id) => (await member.call(`/v1/runs/${id}/logs`)).status));
    assert.deepEqual(statuses, [404, 404, 200, 200]);
    for (const keepRuns of [0, 1001]) {
      const refused = await owner.call(`/v1/scripts/${brief.id}`, { method: 'PATCH', body: { keepRuns } });
      assert.equal(refused.status, 422);
    }
  });

  test('a failed run is noticed until the script succeeds', async () => {
    const flaky = await script(`test -e ${folder}/succeeds-${engine.name}\n`, { name: 'Flaky' });
    const notices = async () =>
      (await owner.call<Page<Notice>>('/v1/notices?kind=run.failed')).body.data
        .filter(({ subject }) => subject.id === flaky.id)
        .map(({ title, action, status }) => [title, action.path, status]);
    const failed = await waitUntilFinished(await startRun(flaky));
    const again = await waitUntilFinished(await startRun(flaky));
    assert.deepEqual([failed.status, again.status], ['failed', 'failed']);
    assert.deepEqual(await notices(), [['A run of “Flaky” failed', `/runs/${again.id}`, 'open']]);
    writeFileSync(join(folder, `succeeds-${engine.name}`), '');
    await waitUntilFinished(await startRun(flaky));
    assert.deepEqual(await notices(), []);
  });
});
