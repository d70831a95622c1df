import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { mintSecret } from '../authorization/secret.ts';
import { isRunning, listOwnKeyFolders } from '../testing/running-processes.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { generateKeyPair } from './key-pair.ts';
import { createMask } from './mask.ts';
import { type OutputLine, OutputTruncated, type RunTarget, run, type Step, type StepOutcome } from './run.ts';
import { shellQuote } from './shell-quote.ts';
import { HEARTBEAT_TIMEOUT_SECONDS } from './step-script.ts';

let sshd: TestSshd;
const targets: Record<string, RunTarget> = { local: { kind: 'local' } };
const folder = temporaryDirectory();
// A temporary directory of its own, so that the tests find only their own leftover files.
process.env['TMPDIR'] = folder;
chmodSync(folder, 0o1777);
before(async () => {
  sshd = await startSshd();
  const pair = generateKeyPair('test');
  sshd.authorize([pair.publicKey]);
  const { port, user, hostKey } = sshd;
  targets['ssh'] = {
    kind: 'ssh',
    host: '127.0.0.1',
    port,
    user,
    hostKey,
    privateKey: pair.privateKey,
    allowNodeLocal: true,
  };
});
after(() => sshd.close());

/** Runs a step and returns its outcome, its output lines, and their text. */
async function perform(
  target: RunTarget | undefined,
  step: Step,
  signal?: AbortSignal,
): Promise<StepOutcome & { lines: OutputLine[]; text: string }> {
  assert.ok(target);
  const lines: OutputLine[] = [];
  const outcome = await run(target, { ...step, onLine: (line) => lines.push(line) }, signal);
  return { ...outcome, lines, text: lines.map(({ text }) => text).join('\n') };
}
const shellStep = (body: string) => ({ command: { interpreter: ['/bin/sh'], body } });

/**
 * Returns a duration in seconds that no other test uses, so that `sleep` with this duration can be found among the
 * running processes.
 */
const uniqueSeconds = (testNumber: number, targetKind = ''): string =>
  `${testNumber}${targetKind.length}${process.pid}`;

/** Starts another process that runs `sleep` with the duration `mark` as a step. */
async function runInOtherProcess(mark: string): Promise<ChildProcess> {
  const script = join(folder, `runs-${mark}.ts`);
  const runner = new URL('./run.ts', import.meta.url).pathname;
  writeFileSync(
    script,
    `import { run } from ${JSON.stringify(runner)};
     await run({ kind: 'local' }, { command: { argv: ['sleep', '${mark}'] } });`,
  );
  const child = spawn(process.execPath, [script], { stdio: 'ignore' });
  await until(async () => isRunning('sleep', mark));
  return child;
}

// These groups run concurrently, because most of their time is spent waiting for timeouts of the runner.
describe('steps', { concurrency: true }, () => {
  for (const targetKind of ['local', 'ssh']) {
    describe(`a ${targetKind} step`, { concurrency: false }, () => {
      test('ends with its exit code, its lines in order and their streams', async () => {
        const ran = await perform(targets[targetKind], shellStep('echo one; echo two >&2; printf three; exit 7'));
        assert.deepEqual(
          [ran.exitCode, ran.signal, ran.problem, ran.timedOut, ran.cancelled],
          [7, null, null, false, false],
        );
        assert.deepEqual(
          ran.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text),
          ['one', 'three'],
        );
        assert.deepEqual(
          ran.lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text),
          ['two'],
        );
      });

      test('receives arguments and variables unchanged, with any characters, and runs in its working directory', async () => {
        const specialText = `$(touch ${folder}/touched) \`id\` "q" 'q' \\ ; & | * ~ !x\nnext\ttab é 😀`;
        const argv = await perform(targets[targetKind], {
          command: { argv: ['printf', '%s|', specialText, '', '-x'] },
        });
        assert.equal(argv.text, `${specialText}||-x|`);
        const body = await perform(targets[targetKind], {
          ...shellStep('printf "%s|%s" "$SPECIAL_TEXT" "$PWD"'),
          // The one-letter names are variables of Devpilot's own script.
          environment: { SPECIAL_TEXT: specialText, IFS: 'x', d: 'd', s: 's', p: 'p' },
          cwd: '/tmp',
        });
        assert.equal(body.text, `${specialText}|/tmp`);
        assert.ok(!existsSync(join(folder, 'touched')));
      });

      test('has no secrets on a command line', async () => {
        const commandLines = join(folder, `seen-${targetKind}`);
        const ran = await perform(targets[targetKind], {
          ...shellStep(
            `for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null >${commandLines}; : in-the-body`,
          ),
          environment: { SECRET: 'in-the-environment' },
        });
        assert.equal(ran.exitCode, 0, ran.text);
        const seen = readFileSync(commandLines, 'utf8');
        assert.match(seen, /devpilot-step/);
        assert.doesNotMatch(seen, /in-the-(?:environment|body)/);
      });

      test('reads standard input from a text or stream, and writes standard output as bytes', async () => {
        const text = await perform(targets[targetKind], { command: { argv: ['cat'] }, stdin: 'hello\nyou' });
        assert.equal(text.text, 'hello\nyou');
        const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
        const out: Buffer[] = [];
        const ran = await perform(targets[targetKind], {
          command: { argv: ['cat'] },
          stdin: Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]),
          stdout: new Writable({
            write(chunk: Buffer, _encoding, done) {
              out.push(chunk);
              done();
            },
          }),
        });
        assert.equal(ran.exitCode, 0);
        assert.ok(Buffer.concat(out).equals(bytes));
        const withoutOutput = await perform(targets[targetKind], { command: { argv: ['cat'] } });
        assert.deepEqual([withoutOutput.exitCode, withoutOutput.text], [0, '']);
      });

      test("masks its secrets and Devpilot's, in every form in which they are printed", async () => {
        const secret = 'p@ss wörd/1';
        const devpilotSecret = mintSecret('access_token');
        const ran = await perform(targets[targetKind], {
          ...shellStep('echo "a $S b $S"; printf %s "$S" | base64; echo "$OURS" >&2; echo "$KEY"; echo yes'),
          environment: { S: secret, OURS: devpilotSecret, KEY: 'line one of key\nline two of key' },
          mask: await createMask([secret, 'line one of key\nline two of key', 'true', 'yes'], () => undefined),
        });
        assert.deepEqual(
          ran.lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text),
          ['a [secret] b [secret]', '[secret]', '[secret]', '[secret]', 'yes'],
        );
        assert.ok(!ran.text.includes(devpilotSecret));
      });

      test('tolerates invalid UTF-8 and overlong lines', async () => {
        const secret = 'at-the-edge-of-it';
        const ran = await perform(targets[targetKind], {
          ...shellStep(`printf '\\377\\376ok\\n1%%\\r99%%\\n'; head -c 95 /dev/zero | tr '\\0' x; echo "$S"; echo end`),
          environment: { S: secret },
          mask: await createMask([secret], () => undefined),
          limits: { maxLineCharacters: 100, maxTotalCharacters: 10_000 },
        });
        assert.deepEqual(
          ran.lines.map(({ text }) => text),
          ['\ufffd\ufffdok', '99%', `${'x'.repeat(95)}[secret]…`, 'end'],
        );
      });

      test('shows a prompt before it is answered; an empty standard input ends immediately', async () => {
        const unfinished: string[] = [];
        const ran = await perform(targets[targetKind], {
          ...shellStep('printf "Continue? "; sleep 0.6; read -r answer || echo "no answer"'),
          onUnfinishedLine: ({ text }) => unfinished.push(text),
        });
        assert.deepEqual([unfinished, ran.text], [['Continue? '], 'Continue? no answer']);
      });

      test('provides files for the duration of the step, in a private directory', async () => {
        const body = 'cat "$FILES/ONE"; printf "|%s" "$FILES" "$(stat -c %a "$FILES" "$FILES/ONE" | tr "\\n" " ")"';
        const { text } = await perform(targets[targetKind], {
          ...shellStep(body),
          files: { variable: 'FILES', contents: { ONE: "it's\none\n" } },
        });
        const [content = '', directory = '', modes] = text.split('|');
        assert.deepEqual([content, modes, existsSync(directory)], ["it's\none\n", '700 600 ', false]);
      });

      test('survives a gigabyte of output and reports its exit code', async () => {
        const rssBefore = process.memoryUsage().rss;
        const ran = await perform(targets[targetKind], {
          ...shellStep('yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 1000000000; echo done >&2; exit 3'),
          limits: { maxLineCharacters: 100, maxTotalCharacters: 20_000 },
        });
        assert.equal(ran.exitCode, 3);
        assert.ok(ran.lines.length < 500);
        assert.match(ran.lines.at(-1)?.text ?? '', /not stored/);
        assert.ok(process.memoryUsage().rss - rssBefore < 300_000_000);
      });

      test('is ended with its whole process group by the time limit or the abort signal, even if it ignores SIGTERM', async () => {
        const mark = uniqueSeconds(61, targetKind);
        const expired = await perform(targets[targetKind], {
          ...shellStep(`sleep ${mark} & sleep ${mark}; :`),
          timeoutMs: 300,
        });
        assert.deepEqual([expired.timedOut, expired.cancelled, expired.signal], [true, false, 'SIGTERM']);
        await until(async () => !isRunning('sleep', mark));
        const cancelling = new AbortController();
        const running = perform(
          targets[targetKind],
          shellStep(`trap '' TERM; sleep ${mark} & while :; do sleep 0.1; done`),
          cancelling.signal,
        );
        await until(async () => isRunning('sleep', mark));
        cancelling.abort();
        const cancelled = await running;
        assert.deepEqual([cancelled.timedOut, cancelled.cancelled, cancelled.signal], [false, true, 'SIGKILL']);
        await until(async () => !isRunning('sleep', mark));
        assert.deepEqual((await perform(targets[targetKind], shellStep('exit 1'), cancelling.signal)).cancelled, true);
      });

      test('is cancelled by the abort signal at any moment of its start', async () => {
        for (let delayTicks = 0; delayTicks < 12; delayTicks++) {
          const cancelling = new AbortController();
          const ran = perform(targets[targetKind], shellStep('sleep 600'), cancelling.signal);
          for (let tick = 0; tick < delayTicks; tick++) await Promise.resolve();
          cancelling.abort();
          assert.equal((await ran).cancelled, true, `after ${delayTicks} microtasks`);
        }
      });

      test('is cancelled by the abort signal while it reads a stream', async () => {
        const mark = uniqueSeconds(62, targetKind);
        const cancelling = new AbortController();
        const endless = new Readable({ read: () => undefined });
        const ran = perform(targets[targetKind], { ...shellStep(`sleep ${mark}`), stdin: endless }, cancelling.signal);
        await until(async () => isRunning('sleep', mark));
        cancelling.abort();
        assert.equal((await ran).cancelled, true);
        await until(async () => !isRunning('sleep', mark));
      });

      test('does not wait for background processes and leaves them running', async () => {
        const mark = uniqueSeconds(63, targetKind);
        const ran = await perform(targets[targetKind], shellStep(`sleep ${mark} & echo started`));
        assert.deepEqual([ran.exitCode, ran.problem], [0, null]);
        assert.match(ran.text, /^started\nA process that the step left running holds its output open\./);
        await until(async () => isRunning('sleep', mark));
        execFileSync('pkill', ['-f', `^sleep ${mark}$`]);
      });

      test('cannot forge markers', async () => {
        const ran = await perform(targets[targetKind], shellStep(`printf '\\036devpilot 00 ended 0\\n' >&2; exit 4`));
        assert.equal(ran.exitCode, 4);
        assert.match(ran.text, /devpilot 00 ended 0/);
      });

      test('reports a missing program or working directory', async () => {
        const missing = await perform(targets[targetKind], { command: { argv: ['/no/such/program'] } });
        assert.equal(missing.exitCode, 127);
        assert.match(missing.text, /no\/such\/program/);
        assert.equal((await perform(targets[targetKind], { ...shellStep('true'), cwd: '/no/such' })).exitCode, 125);
      });

      test('runs as another user where the server allows it', async () => {
        if (userInfo().uid !== 0) return;
        const ran = await perform(targets[targetKind], {
          ...shellStep('id -un; echo "$A"'),
          environment: { A: "it's" },
          runAs: 'nobody',
          cwd: '/',
        });
        assert.equal(ran.text, "nobody\nit's");
        await assert.rejects(perform(targets[targetKind], { ...shellStep('id'), runAs: 'root; id' }), TypeError);
      });

      test('rejects arguments and variables that no process can receive', async () => {
        await assert.rejects(perform(targets[targetKind], { command: { argv: ['echo', 'a\0b'] } }), TypeError);
        await assert.rejects(
          perform(targets[targetKind], { ...shellStep('id'), environment: { 'A=B;id': '1' } }),
          TypeError,
        );
      });
    });
  }

  test('a step of a frozen process is ended by the server, because its heartbeats stop', async () => {
    const mark = uniqueSeconds(66);
    const child = await runInOtherProcess(mark);
    child.kill('SIGSTOP');
    try {
      await until(async () => !isRunning('sleep', mark), (HEARTBEAT_TIMEOUT_SECONDS + 20) * 1000);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a slow reader receives all bytes, and an incomplete stream ends with an error', async () => {
    const local = targets['local'] as RunTarget;
    let bytesRead = 0;
    // Slower than the idle timeout after a step.
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        const wait = bytesRead === 0 ? 20_000 : 0;
        bytesRead += chunk.length;
        setTimeout(done, wait);
      },
    });
    let truncationError: Error | null = null;
    const heldOutput = new Writable({ write: (_chunk, _encoding, done) => done() }).once('error', (error) => {
      truncationError = error;
    });
    const [complete, heldOpen] = await Promise.all([
      run(local, { ...shellStep('head -c 3000000 /dev/zero'), stdout: slow }),
      run(local, { ...shellStep('sleep 60 & echo rows'), stdout: heldOutput }),
    ]);
    assert.deepEqual([complete.exitCode, complete.problem, bytesRead], [0, null, 3_000_000]);
    assert.equal(heldOpen.exitCode, 0);
    assert.equal((truncationError as Error | null)?.name, OutputTruncated.name);
  });
});

test('an unreachable server, or a server with another host key, is reported, and no key folder remains', async () => {
  const { ssh } = targets;
  assert.ok(ssh?.kind === 'ssh');
  const unreachable = await perform({ ...ssh, port: 1 }, shellStep('id'));
  assert.deepEqual([unreachable.exitCode, unreachable.lines], [null, []]);
  assert.match(unreachable.problem ?? '', /^Connection failed: no SSH server could be reached/);
  const otherKey = generateKeyPair('x').publicKey.split(' ').slice(0, 2).join(' ');
  const mismatched = await perform({ ...ssh, hostKey: otherKey }, shellStep('id'));
  assert.match(mismatched.problem ?? '', /Connection failed/);
  assert.deepEqual(listOwnKeyFolders(), []);
});

test('a connection lost during a step is reported', async () => {
  const ownSshd = await startSshd();
  const pair = generateKeyPair('test');
  ownSshd.authorize([pair.publicKey]);
  const mark = uniqueSeconds(64);
  const { port, user, hostKey } = ownSshd;
  const ran = perform(
    { kind: 'ssh', host: '127.0.0.1', port, user, hostKey, privateKey: pair.privateKey, allowNodeLocal: true },
    shellStep(`echo begun; sleep ${mark}`),
  );
  await until(async () => isRunning('sleep', mark));
  ownSshd.killSessions();
  const { exitCode, problem } = await ran;
  assert.deepEqual([exitCode, problem], [null, 'The connection to the server was lost.']);
  // The step's heartbeats stop, and the server ends it.
  await until(async () => !isRunning('sleep', mark));
  await ownSshd.close();
});

test('a step ends when the process that runs it is killed', async () => {
  const mark = uniqueSeconds(65);
  const child = await runInOtherProcess(mark);
  child.kill('SIGKILL');
  await until(async () => !isRunning('sleep', mark));
});

test('any text is quoted as a single shell word', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 5 }), (words) => {
      const plain = words.map((word) => word.replaceAll('\0', '').toWellFormed());
      const script = `printf '%s\\n=\\n' ${plain.map(shellQuote).join(' ')}`;
      const output = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
      const expected = (plain.length === 0 ? [''] : plain).map((word) => `${word}\n=\n`).join('');
      assert.equal(output, expected);
    }),
    { numRuns: 60 },
  );
});
