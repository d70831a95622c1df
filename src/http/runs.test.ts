import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { DAY } from '../contract/limits.ts';
import type { LogLine } from '../contract/logs.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import type { Run, Script } from '../contract/scripts.ts';
import type { Server } from '../contract/servers.ts';
import { forEachEngine } from '../testing/engines.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
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

let sshd: TestSshd;
const directory = temporaryDirectory();
before(async () => {
  sshd = await startSshd();
});
after(() => sshd.close());

/** Returns whether a process has ended; a zombie counts as ended. */
function hasEnded(pid: string): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

const isFinished = (run: Run) => !['pending', 'processing'].includes(run.status);

forEachEngine('runs', (engine) => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  let member: TestPerson;
  let sshServer: Server;
  let localServer: Server;
  before(async () => {
    testServer = await startTestServer({
      clock: () => now,
      environment: { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' },
    });
    owner = await signUpOwner(testServer);
    member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    const address = { host: '127.0.0.1', port: sshd.port, user: sshd.user, hostKey: sshd.hostKey };
    sshServer = (await owner.call<Server>('/v1/servers', { body: { name: 'SSH server', kind: 'ssh', ...address } }))
      .body;
    localServer = (await owner.call<Server>('/v1/servers', { body: { name: 'Local server', kind: 'local' } })).body;
    sshd.authorize([sshServer.publicKey ?? '']);
  });
  after(() => testServer.close());

  async function createScript(body: string, fields: object = {}): Promise<Script> {
    const created = await owner.call<Script>('/v1/scripts', {
      body: { name: 'A script', body, serverId: localServer.id, ...fields },
    });
    assert.equal(created.status, 201, created.text);
    return created.body;
  }
  async function startRun(script: Script, parameters: object = {}, person = member): Promise<Run> {
    const response = await person.call<Run>(`/v1/scripts/${script.id}/runs`, { body: { parameters } });
    assert.equal(response.status, 202, response.text);
    return response.body;
  }
  const getRun = async (id: string) => (await member.call<Run>(`/v1/runs/${id}`)).body;
  async function waitUntilFinished(run: Run): Promise<Run> {
    await until(async () => isFinished(await getRun(run.id)));
    return getRun(run.id);
  }
  async function readLog(run: Run, query = ''): Promise<LogLine[]> {
    const { text } = await member.call(`/v1/runs/${run.id}/logs${query}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }
  const readOutput = async (run: Run, stream: LogLine['stream'] = 'stdout') =>
    (await readLog(run)).filter((line) => line.stream === stream).map(({ text }) => text);

  for (const kind of ['ssh', 'local'] as const) {
    const onServer = () => ({ serverId: kind === 'ssh' ? sshServer.id : localServer.id });

    test(`a run on ${kind} has the output, exit code and log of its script`, async () => {
      const greet = await createScript('echo "Greetings, $NAME"; echo oh >&2; exit 3\n', {
        ...onServer(),
        parameters: [{ name: 'NAME', pattern: '[A-Z][a-z]+', default: 'Ada' }],
      });
      const first = await startRun(greet);
      assert.match(first.id, /^run_/);
      assert.deepEqual(
        [first.scriptId, first.scriptVersion, first.status, first.exitCode, first.parameters, first.createdBy.kind],
        [greet.id, 1, 'pending', null, { NAME: 'Ada' }, 'person'],
      );
      const finished = await waitUntilFinished(first);
      assert.deepEqual([finished.status, finished.exitCode], ['failed', 3]);
      assert.match(finished.error ?? '', /ended with exit code 3/);
      assert.ok(finished.startedAt !== null && finished.finishedAt !== null);
      assert.deepEqual(await readOutput(finished), ['Greetings, Ada']);
      assert.deepEqual(await readOutput(finished, 'stderr'), ['oh']);
      const logLines = await readLog(finished);
      assert.deepEqual(await readLog(finished, '?from=1'), logLines.slice(1));
      assert.ok(logLines.some((line) => line.step === 'script' && line.serverId === onServer().serverId));
    });

    test(`on ${kind}, a parameter is passed byte for byte and never executed`, async () => {
      const markerFile = join(directory, `${engine.name}-${kind}`);
      const values = {
        A: `$(touch ${markerFile})`,
        B: `\`touch ${markerFile}\`; touch ${markerFile}; '"; touch ${markerFile} #`,
        C: 'line one\nline two\n\ttabbed  \\n',
        D: '-rf * ~ {a,b} ! \r ü 😀',
        E: '',
      };
      const printValues = await createScript(
        'for name in A B C D E; do eval "printf %s \\"\\$$name\\"" | base64 -w0; echo; done',
        {
          ...onServer(),
          parameters: Object.keys(values).map((name) => ({ name })),
        },
      );
      const finished = await waitUntilFinished(await startRun(printValues, values));
      assert.equal(finished.status, 'completed', finished.error ?? '');
      assert.deepEqual(finished.parameters, values);
      assert.equal(existsSync(markerFile), false);
      const printed = (await readOutput(finished)).map((line) => Buffer.from(line, 'base64').toString());
      assert.deepEqual(printed, Object.values(values));
    });

    test(`on ${kind}, the value of a parameter appears on no command line, and the file of the script is deleted`, async () => {
      const goFile = join(directory, `go-${engine.name}-${kind}`);
      const waiting = await createScript('while [ ! -e "$WAIT" ]; do sleep 0.05; done; echo "$0"', {
        ...onServer(),
        parameters: [{ name: 'WAIT' }, { name: 'HIDDEN' }],
      });
      const run = await startRun(waiting, { WAIT: goFile, HIDDEN: 'kept-off-every-command-line' });
      await until(async () => (await getRun(run.id)).startedAt !== null);
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
      writeFileSync(goFile, '');
      const finished = await waitUntilFinished(run);
      const [file = ''] = await readOutput(finished);
      assert.match(file, /devpilot-step-/);
      assert.equal(existsSync(file), false);
    });

    test(`on ${kind}, a script that exceeds its time limit is killed with its child processes`, async () => {
      const hanging = await createScript('sleep 600 & echo $! ; trap "" TERM; while :; do sleep 1; done', {
        ...onServer(),
        timeoutSeconds: 1,
      });
      const finished = await waitUntilFinished(await startRun(hanging));
      assert.equal(finished.status, 'failed');
      assert.match(finished.error ?? '', /longer than 1 second and/);
      const [child = ''] = await readOutput(finished);
      await until(async () => hasEnded(child));
    });

    test(`on ${kind}, cancelling a run ends all its processes`, async () => {
      const hanging = await createScript('sleep 600 & echo $!; wait', onServer());
      const run = await startRun(hanging);
      await until(async () => (await readOutput(run)).length > 0);
      const [child = ''] = await readOutput(run);
      const response = await member.call<Run>(`/v1/runs/${run.id}/cancel`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      const finished = await waitUntilFinished(run);
      assert.equal(finished.status, 'cancelled');
      assert.match(finished.error ?? '', /Cancelled by mia/);
      assert.ok(hasEnded(child));
      const secondCancel = await member.call<ProblemBody>(`/v1/runs/${run.id}/cancel`, { method: 'POST' });
      assert.equal(secondCancel.status, 409);
    });
  }

  test('invalid UTF-8 in the output is replaced, and secrets of Devpilot are redacted', async () => {
    const secret = mintSecret('api_key');
    const printing = await createScript('printf "a\\377\\200b\\n"; echo "the key is $KEY!"; printf "no end"', {
      parameters: [{ name: 'KEY' }],
    });
    const finished = await waitUntilFinished(await startRun(printing, { KEY: secret }));
    const [first, second, third] = await readOutput(finished);
    assert.equal(first, 'a\ufffd\ufffdb');
    assert.ok(second !== undefined && !second.includes(secret) && second.startsWith('the key is '));
    assert.equal(third, 'no end');
  });

  test('the log of a running script can be followed until the run ends', async () => {
    const goFile = join(directory, `follow-${engine.name}`);
    const printing = await createScript('echo one; while [ ! -e "$GO" ]; do sleep 0.05; done; echo two', {
      parameters: [{ name: 'GO' }],
    });
    const run = await startRun(printing, { GO: goFile });
    const response = await fetch(`${testServer.url}/v1/runs/${run.id}/logs?follow=true`, {
      headers: { cookie: member.cookie, 'devpilot-workspace': member.workspaceId },
    });
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"one"') && !existsSync(goFile)) writeFileSync(goFile, '');
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

  test('invalid parameters are refused with their names, and nothing runs', async () => {
    const withPatterns = await createScript('echo', {
      parameters: [
        { name: 'BRANCH', pattern: '[a-z]+(?:-[a-z]+)*' },
        { name: 'COUNT', pattern: '\\d{1,3}', default: '1' },
        { name: 'SLOW', pattern: '(a+)+b', default: 'ab' },
      ],
    });
    const invalid: [parameters: object, fields: string[]][] = [
      [{}, ['parameters.BRANCH']],
      [{ BRANCH: 'Main' }, ['parameters.BRANCH']],
      [{ BRANCH: 'main\n' }, ['parameters.BRANCH']],
      [{ BRANCH: 'main; id', COUNT: 'x' }, ['parameters.BRANCH', 'parameters.COUNT']],
      [{ BRANCH: 'main', UNKNOWN: 'x' }, ['parameters.UNKNOWN']],
      [{ BRANCH: 'main', PATH: '/tmp' }, ['parameters.PATH']],
      [{ BRANCH: 'main', COUNT: 5 }, ['parameters.COUNT']],
      [{ BRANCH: 'main', COUNT: null }, ['parameters.COUNT']],
      [{ BRANCH: 'a\0' }, ['parameters.BRANCH']],
      [{ BRANCH: 'x'.repeat(8193) }, ['parameters.BRANCH']],
      // If matching takes too long, it is unknown which pattern is the slow one, so all are reported.
      [{ BRANCH: 'main', SLOW: 'a'.repeat(5000) }, ['parameters.BRANCH', 'parameters.COUNT', 'parameters.SLOW']],
    ];
    for (const [parameters, fields] of invalid) {
      const response = await member.call<ProblemBody>(`/v1/scripts/${withPatterns.id}/runs`, {
        body: { parameters },
      });
      assert.equal(response.status, 422, `${JSON.stringify(parameters).slice(0, 60)} ${response.text}`);
      assert.deepEqual(
        response.body.errors?.map(({ field }) => field),
        fields,
      );
    }
    const withProtoKey = await member.call<ProblemBody>(`/v1/scripts/${withPatterns.id}/runs`, {
      body: '{"parameters":{"BRANCH":"main","__proto__":"x"}}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(withProtoKey.status, 422);
    const withUnknownField = await member.call(`/v1/scripts/${withPatterns.id}/runs`, {
      body: { parameters: {}, args: [] },
    });
    assert.equal(withUnknownField.status, 422);
    assert.deepEqual((await member.call<Page<Run>>(`/v1/scripts/${withPatterns.id}/runs`)).body.data, []);
  });

  test('members and tokens with run_scripts can run a script; keys, other tokens and other workspaces cannot', async () => {
    const plain = await createScript('true');
    const path = `/v1/scripts/${plain.id}/runs`;
    const token = await createToken(owner, ['run_scripts'], { name: 'Night job' });
    const started = await testServer.call<Run>(path, { body: {}, headers: bearer(token.secret) });
    assert.equal(started.status, 202, started.text);
    assert.deepEqual(started.body.createdBy, { kind: 'access_token', id: token.id, name: 'Night job' });
    // The token is deleted during its run; the run continues and keeps the token's name.
    assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
    const finished = await waitUntilFinished(started.body);
    assert.deepEqual([finished.status, finished.createdBy.name], ['completed', 'Night job']);
    const tokenWithoutScope = await createToken(owner, ['modify_env']);
    const key = await createKey(owner, ['read', 'write', 'delete', 'deploy', 'view_logs']);
    for (const secret of [tokenWithoutScope.secret, key.secret]) {
      for (const [method, url] of [
        ['POST', path],
        ['GET', path],
        ['GET', `/v1/runs/${finished.id}`],
        ['GET', `/v1/runs/${finished.id}/logs`],
        ['POST', `/v1/runs/${finished.id}/cancel`],
      ] as const) {
        const body = method === 'POST' ? { body: {} } : {};
        assert.equal((await testServer.call(url, { method, headers: bearer(secret), ...body })).status, 403, url);
      }
    }
    const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, `Neighbor ${engine.name}`);
    for (const url of [`/v1/runs/${finished.id}`, `/v1/runs/${finished.id}/logs`, path]) {
      assert.equal((await ownerInOtherWorkspace.call(url)).status, 404, url);
    }
    assert.equal((await ownerInOtherWorkspace.call(`/v1/runs/${finished.id}/cancel`, { method: 'POST' })).status, 404);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${finished.id}`);
    assert.deepEqual(
      log.body.data.map(({ action, actor }) => [action, actor.kind]),
      [
        ['run.finished', 'system'],
        ['run.created', 'access_token'],
      ],
    );
    assert.deepEqual(log.body.data[0]?.detail, { status: 'completed', exitCode: 0 });
  });

  test('a script can set an interpreter with arguments and a user; an unknown interpreter or user fails the run', async () => {
    const python = await createScript('import os, sys\nprint(sys.argv[0] != "", os.environ["N"])\n', {
      interpreter: '/usr/bin/env python3',
      parameters: [{ name: 'N', default: '7' }],
    });
    assert.deepEqual(await readOutput(await waitUntilFinished(await startRun(python))), ['True 7']);
    const asNobody = await createScript('id -un; echo "$N"', {
      runAs: 'nobody',
      parameters: [{ name: 'N', default: '7' }],
    });
    assert.deepEqual(await readOutput(await waitUntilFinished(await startRun(asNobody))), ['nobody', '7']);
    const unknownInterpreter = await waitUntilFinished(
      await startRun(await createScript('id', { interpreter: '/nothing/here' })),
    );
    assert.deepEqual([unknownInterpreter.status, unknownInterpreter.exitCode], ['failed', 127]);
    const unknownUser = await waitUntilFinished(await startRun(await createScript('id', { runAs: 'nosuchuser' })));
    assert.equal(unknownUser.status, 'failed');
  });

  test('a run fails with the reason if its server cannot be reached or has no pinned host key', async () => {
    const body = { name: 'Unreachable', kind: 'ssh', host: '127.0.0.1', port: 1, user: 'x', hostKey: sshd.hostKey };
    const unreachable = (await owner.call<Server>('/v1/servers', { body })).body;
    const first = await waitUntilFinished(await startRun(await createScript('true', { serverId: unreachable.id })));
    assert.equal(first.status, 'failed');
    assert.match(first.error ?? '', /Connection failed/);
    const unpinned = (await owner.call<Server>('/v1/servers', { body: { ...body, hostKey: null } })).body;
    const second = await waitUntilFinished(await startRun(await createScript('true', { serverId: unpinned.id })));
    assert.match(second.error ?? '', /No host key is pinned/);
  });

  test('the runs of a script can be paged and filtered by status, and remain when the script is deleted', async () => {
    const flaky = await createScript('exit "$CODE"', { parameters: [{ name: 'CODE', default: '0' }] });
    const runs: Run[] = [];
    for (const CODE of ['0', '1', '0']) runs.push(await waitUntilFinished(await startRun(flaky, { CODE })));
    const path = `/v1/scripts/${flaky.id}/runs`;
    const { body } = await member.call<Page<Run>>(path);
    assert.deepEqual(new Set(body.data.map(({ id }) => id)), new Set(runs.map(({ id }) => id)));
    const firstPage = await member.call<Page<Run>>(`${path}?limit=2`);
    const secondPage = await member.call<Page<Run>>(`${path}?limit=2&cursor=${firstPage.body.nextCursor}`);
    assert.deepEqual([...firstPage.body.data, ...secondPage.body.data], body.data);
    const failed = await member.call<Page<Run>>(`${path}?status=failed`);
    assert.deepEqual(
      failed.body.data.map(({ id }) => id),
      [runs[1]?.id],
    );
    assert.equal((await member.call(`${path}?status=lost`)).status, 422);
    assert.equal((await owner.call(`/v1/scripts/${flaky.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await member.call(path)).status, 404);
    assert.deepEqual(await getRun(runs[0]?.id ?? ''), runs[0]);
    assert.ok((await readLog(runs[0] as Run)).length > 0);
  });

  test('a script cannot be deleted during a run, and a run keeps the script version it started with', async () => {
    const goFile = join(directory, `version-${engine.name}`);
    const firstScript = await createScript('while [ ! -e "$GO" ]; do sleep 0.05; done; echo one', {
      parameters: [{ name: 'GO', default: goFile }],
    });
    const run = await startRun(firstScript);
    await owner.call(`/v1/scripts/${firstScript.id}`, { method: 'PATCH', body: { body: 'echo two' } });
    const refused = await owner.call<ProblemBody>(`/v1/scripts/${firstScript.id}`, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    writeFileSync(goFile, '');
    assert.deepEqual(await readOutput(await waitUntilFinished(run)), ['one']);
    assert.deepEqual(await readOutput(await waitUntilFinished(await startRun(firstScript))), ['two']);
  });

  test('a schedule that is due during a run skips, queues or starts a run, depending on overlap', async () => {
    for (const [overlap, statuses] of [
      ['skip', ['processing']],
      ['queue', ['pending', 'processing']],
      ['allow', ['processing', 'processing']],
    ] as const) {
      const slow = await createScript('sleep 600', { name: `Overlap ${overlap}`, schedule: '0 3 * * *', overlap });
      const listRuns = async () => (await member.call<Page<Run>>(`/v1/scripts/${slow.id}/runs`)).body.data;
      const countProcessing = async () => (await listRuns()).filter(({ status }) => status === 'processing').length;
      await startRun(slow);
      await until(async () => (await countProcessing()) === 1);
      const readNextRunAt = async () =>
        Date.parse((await member.call<Script>(`/v1/scripts/${slow.id}`)).body.nextRunAt ?? '');
      now = await readNextRunAt();
      await until(async () => (await readNextRunAt()) > now);
      if (overlap === 'allow') await until(async () => (await countProcessing()) === 2);
      assert.deepEqual((await listRuns()).map(({ status }) => status).sort(), statuses, overlap);
      await owner.call(`/v1/scripts/${slow.id}`, { method: 'PATCH', body: { schedule: null } });
      for (const { id } of await listRuns()) await member.call(`/v1/runs/${id}/cancel`, { body: {} });
    }
  });

  test('the same Idempotency-Key starts one run', async () => {
    const plain = await createScript('true');
    const request = { body: {}, headers: { 'idempotency-key': 'run-once' } };
    const first = await member.call<Run>(`/v1/scripts/${plain.id}/runs`, request);
    const repeated = await member.call<{ id: string }>(`/v1/scripts/${plain.id}/runs`, request);
    assert.deepEqual([first.status, repeated.status, repeated.body.id], [202, 409, first.body.id]);
  });

  test('a schedule starts a run with the default values when it is due, and one run for all missed times', async () => {
    const nightly = await createScript('echo "$WHAT"', {
      name: 'Nightly',
      schedule: '0 3 * * *',
      parameters: [{ name: 'WHAT', default: 'everything' }],
    });
    const due = Date.parse(nightly.nextRunAt ?? '');
    const listRuns = async () => (await member.call<Page<Run>>(`/v1/scripts/${nightly.id}/runs`)).body.data;
    const readNextRunAt = async () => (await member.call<Script>(`/v1/scripts/${nightly.id}`)).body.nextRunAt;
    assert.deepEqual(await listRuns(), []);
    const listNextRuns = async (idOrSlug: string) =>
      (await member.call<{ data: string[] }>(`/v1/scripts/${idOrSlug}/next-runs`)).body.data;
    const daysLater = (days: number) => new Date(due + days * DAY).toISOString();
    assert.deepEqual(await listNextRuns(nightly.slug), [0, 1, 2, 3, 4].map(daysLater));
    now = due;
    await until(async () => (await listRuns()).length === 1);
    const [first] = await listRuns();
    assert.deepEqual([first?.scheduledFor, first?.createdBy.kind], [nightly.nextRunAt, 'system']);
    assert.equal(await readNextRunAt(), new Date(due + DAY).toISOString());
    assert.deepEqual(await readOutput(await waitUntilFinished(first as Run)), ['everything']);
    // After ten days without a running node, one run is started and the next due time is set.
    now = due + 10 * DAY + 5000;
    await until(async () => (await listRuns()).length === 2);
    await until(async () => (await readNextRunAt()) === new Date(due + 11 * DAY).toISOString());
    const allRuns = await listRuns();
    assert.equal(allRuns.length, 2);
    await waitUntilFinished(allRuns[0] as Run);
    await owner.call(`/v1/scripts/${nightly.id}`, { method: 'PATCH', body: { schedule: null } });
    assert.equal(await readNextRunAt(), null);
    assert.deepEqual(await listNextRuns(nightly.id), []);
  });

  test('the newest finished runs are kept, older ones are deleted with their logs', async () => {
    const brief = await createScript('true', { name: 'Brief', keepRuns: 2 });
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      now += 1;
      ids.push((await waitUntilFinished(await startRun(brief))).id);
    }
    const keptIds = (await member.call<Page<Run>>(`/v1/scripts/${brief.id}/runs`)).body.data.map(({ id }) => id);
    assert.deepEqual(keptIds, [ids[3], ids[2]]);
    const statuses = await Promise.all(ids.map(async (id) => (await member.call(`/v1/runs/${id}/logs`)).status));
    assert.deepEqual(statuses, [404, 404, 200, 200]);
    for (const keepRuns of [0, 1001]) {
      const refused = await owner.call(`/v1/scripts/${brief.id}`, { method: 'PATCH', body: { keepRuns } });
      assert.equal(refused.status, 422);
    }
  });

  test('the failed runs of a script have one notice, until a run succeeds', async () => {
    const flaky = await createScript(`test -e ${directory}/succeeds-${engine.name}\n`, { name: 'Flaky' });
    const listNotices = async () =>
      (await owner.call<Page<Notice>>('/v1/notices?kind=run.failed')).body.data
        .filter(({ subject }) => subject.id === flaky.id)
        .map(({ title, action, status }) => [title, action.path, status]);
    const failed = await waitUntilFinished(await startRun(flaky));
    const failedAgain = await waitUntilFinished(await startRun(flaky));
    assert.deepEqual([failed.status, failedAgain.status], ['failed', 'failed']);
    assert.deepEqual(await listNotices(), [['A run of “Flaky” failed', `/runs/${failedAgain.id}`, 'open']]);
    writeFileSync(join(directory, `succeeds-${engine.name}`), '');
    await waitUntilFinished(await startRun(flaky));
    assert.deepEqual(await listNotices(), []);
  });
});
