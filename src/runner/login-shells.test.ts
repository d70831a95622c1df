import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { generateKeyPair } from './key-pair.ts';
import { type OutputLine, type RunTarget, run, type Step, type StepOutcome } from './run.ts';

/** Runs a step on a server whose accounts run `command` instead of the requested one (`$SSH_ORIGINAL_COMMAND`). */
async function runForced(command: string, step: Step): Promise<StepOutcome & { lines: OutputLine[] }> {
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
const shell = (body: string) => ({ command: { interpreter: ['/bin/sh'], body } });
const ORIGINAL = 'eval "$SSH_ORIGINAL_COMMAND"';

test('output of start-up files is excluded, as lines and as bytes', async () => {
  const greeting = `echo Welcome; echo motd >&2; ${ORIGINAL}`;
  const { lines, exitCode } = await runForced(greeting, shell('echo rows'));
  assert.deepEqual([exitCode, lines.map(({ text }) => text)], [0, ['rows']]);
  const bytes: Buffer[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes.push(chunk);
      done();
    },
  });
  await runForced(greeting, { ...shell(`printf '\\036devpilot\\000\\377'; head -c 200000 /dev/zero`), stdout });
  const all = Buffer.concat(bytes);
  assert.equal(all.length, 200_011);
  assert.ok(all.subarray(0, 11).equals(Buffer.from('\u001edevpilot\0\xff', 'latin1')));
});

test('standard output that arrives long after the end marker is complete', async () => {
  // Standard error, which carries the end marker, arrives a second before standard output.
  const late = `${ORIGINAL} | { sleep 1; cat; }`;
  const { lines, exitCode } = await runForced(late, shell('seq 1 4000; echo FATAL; exit 1'));
  assert.equal(exitCode, 1);
  assert.deepEqual([lines.length, lines.at(-1)?.text], [4001, 'FATAL']);
});

test('output without an end marker is reported as incomplete', async () => {
  const { lines } = await runForced(`${ORIGINAL} | head -n 2`, shell('echo one; echo two; echo three'));
  assert.deepEqual(
    lines.flatMap(({ stream, text }) => (stream === 'stderr' ? [] : [[stream, text]])),
    [
      ['stdout', 'one'],
      ['system', 'The end of the output was not received: the rest is missing.'],
    ],
  );
});

test("an account that runs no commands is reported with the server's message", async () => {
  const nologin = await runForced('echo "This account is currently not available."; exit 1', shell('id'));
  assert.match(
    nologin.problem ?? '',
    /does not run commands.*The server said: This account is currently not available\./,
  );
  const other = await runForced(
    `printf 'Please login as the user "admin" rather than "root".\\n\\n'; exit 142`,
    shell('id'),
  );
  assert.match(other.problem ?? '', /the wrong user.*Please login as the user "admin"/);
  const sftp = await runForced('internal-sftp', shell('id'));
  assert.match(sftp.problem ?? '', /SFTP only/);
});
