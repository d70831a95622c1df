import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isRunning } from '../testing/running-processes.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { buildStepScript, LOCAL_ENTRY_ARGV } from './step-script.ts';

test('background processes of a step keep running if the signal that ends its watchdog is lost', async (t) => {
  const folder = temporaryDirectory();
  const mark = `65.${process.pid}`;
  const script = buildStepScript({
    nonce: 'test',
    command: { interpreter: ['/bin/sh'], body: `sleep ${mark} & echo started` },
    environment: {},
    cwd: null,
    files: null,
    stdin: 'heartbeats',
    runAs: null,
  });
  // The folder is in the command line, so that the shell and its watchdog can be found among the running processes.
  // A shell function replaces `kill` and does not send the signal, as if the watchdog could not receive it yet.
  const losingKill = `kill() { [ "$*" = "$w" ] || command kill "$@"; }; : ${folder}`;
  const [, , readScript] = LOCAL_ENTRY_ARGV;
  const child = spawn('/bin/sh', ['-c', `${losingKill}\n${readScript}`], {
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: folder,
  });
  t.after(() => spawn('pkill', ['-f', `^sleep ${mark}$`]));
  child.stdout.resume();
  child.stdin.write(script);
  // Node.js then closes the input of the shell, and the watchdog, which still runs, reacts as if the node were lost.
  await once(child, 'exit');
  await until(async () => !isRunning(folder));
  // The shell may not have started the background process yet.
  await until(async () => isRunning('sleep', mark), 10_000);
  child.stdout.destroy();
});
