import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { generateKeyPair } from './key-pair.ts';
import { type OutputLine, type RunTarget, run, type Step, type StepOutcome } from './run.ts';

/** Runs a step on a server that runs `command` instead of the requested command (`$SSH_ORIGINAL_COMMAND`). */
async function runWithForcedCommand(command: string, step: Step): Promise<StepOutcome & { lines: OutputLine[] }> {
  const sshd: TestSshd = await startSshd([`ForceCommand ${command}`]);
  try {
    const pair = generateKeyPair('test');
    sshd.authorize([pair.publicKey]);
    const { port, user, hostKey } = sshd;
    const target: RunTarget = {
      kind: 'ssh',
      host: '127.0.0.1',
      port,
      user,
      hostKey,
      privateKey: pair.privateKey,
      allowNodeLocal: true,
    };
    const lines: OutputLine[] = [];
    const outcome = await run(target, { ...step, onLine: (line) => lines.push(line) });
    return { ...outcome, lines };
  } finally {
    await sshd.close();
  }
}
const shellStep = (body: string) => ({ command: { interpreter: ['/bin/sh'], body } });
const RUN_ORIGINAL_COMMAND = 'eval "$SSH_ORIGINAL_COMMAND"';

test('the output of start-up files is not part of the lines or the raw bytes of a step', async () => {
  const greeting = `echo Welcome; echo motd >&2; ${RUN_ORIGINAL_COMMAND}`;
  const { lines, exitCode } = await runWithForcedCommand(greeting, shellStep('echo rows'));
  assert.deepEqual([exitCode, lines.map(({ text }) => text)], [0, ['rows']]);
  const bytes: Buffer[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes.push(chunk);
      done();
    },
  });
  await runWithForcedCommand(greeting, {
    ...shellStep(`printf '\\036devpilot\\000\\377'; head -c 200000 /dev/zero`),
    stdout,
  });
  const output = Buffer.concat(bytes);
  assert.equal(output.length, 200_011);
  assert.ok(output.subarray(0, 11).equals(Buffer.from('\u001edevpilot\0\xff', 'latin1')));
});

test('standard output is complete even if it arrives long after the end marker', async () => {
  // Standard error, which carries the end marker, arrives a second before standard output.
  const delayStdout = `${RUN_ORIGINAL_COMMAND} | { sleep 1; cat; }`;
  const { lines, exitCode } = await runWithForcedCommand(delayStdout, shellStep('seq 1 4000; echo FATAL; exit 1'));
  assert.equal(exitCode, 1);
  assert.deepEqual([lines.length, lines.at(-1)?.text], [4001, 'FATAL']);
});

test('output without an end marker is reported as incomplete', async () => {
  const { lines } = await runWithForcedCommand(
    `${RUN_ORIGINAL_COMMAND} | head -n 2`,
    shellStep('echo one; echo two; echo three'),
  );
  assert.deepEqual(
    lines.flatMap(({ stream, text }) => (stream === 'stderr' ? [] : [[stream, text]])),
    [
      ['stdout', 'one'],
      ['system', 'The end of the output was not received.'],
    ],
  );
});

test('if an account cannot run commands, the problem says so and quotes the message of the server, if there is one', async () => {
  // The command that cloud-init writes into root's authorized_keys. It keeps the session open for ten seconds.
  const cloudImage = `echo 'Please login as the user "ubuntu" rather than the user "root".';echo;sleep 10;exit 142`;
  const accounts: [string, RegExp][] = [
    [
      '/usr/sbin/nologin',
      /has no login shell \(nologin\).* The server said: This account is currently not available\.$/,
    ],
    [
      'internal-sftp',
      /limited to SFTP \(internal-sftp\).* The server said: This service allows sftp connections only\.$/,
    ],
    [
      cloudImage,
      /sign in as ubuntu\. Set the user of the server to ubuntu\. The server said: Please login as the user/,
    ],
    ['/bin/false', /does not run commands \(a shell such as \/bin\/false, SFTP only, or the wrong user\)\.$/],
    ['echo "Ask the administrators."; exit 1', /does not run commands .* The server said: Ask the administrators\.$/],
  ];
  await Promise.all(
    accounts.map(async ([command, problem]) => {
      const startedAtMs = performance.now();
      const outcome = await runWithForcedCommand(command, shellStep('id'));
      assert.match(outcome.problem ?? '', problem);
      if (command === cloudImage)
        assert.ok(performance.now() - startedAtMs < 9_000, 'the step waited until the server ended the session');
    }),
  );
});

test('a step continues even if a greeting contains the nologin message', async () => {
  const greeting = `echo "This account is currently not available."; sleep 0.3; ${RUN_ORIGINAL_COMMAND}`;
  const { lines, exitCode } = await runWithForcedCommand(greeting, shellStep('sleep 1.5; echo rows'));
  assert.deepEqual([exitCode, lines.map(({ text }) => text)], [0, ['rows']]);
});
