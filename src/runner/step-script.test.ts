import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRunning } from '../testing/processes.ts';
import { until } from '../testing/until.ts';
import { buildStepScript, LOCAL_ENTRY_ARGV } from './step-script.ts';

test('background processes of a step keep running if the signal that ends its watchdog is lost', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'devpilot-watchdog-'));
  const mark = `65.${process.pid}`;
  const script = buildStepScript({
    nonce: 'test',
    command: { interpreter: ['/bin/sh'], body: `sleep ${mark} & echo started` },
    environment: {},
    cwd: null,
    files: null,
    stdin: 'beats',
    runAs: null,
  });
  // A function of the shell takes the place of the command, as if the signal came before the subshell could receive it.
  const lose = `kill() { [ "$*" = "$w" ] || command kill "$@"; }; : ${folder}`;
  const [, , read] = LOCAL_ENTRY_ARGV;
  const child = spawn('/bin/sh', ['-c', `${lose}\n${read}`], { stdio: ['pipe', 'pipe', 'ignore'], cwd: folder });
  t.after(() => {
    spawn('pkill', ['-f', `^sleep ${mark}$`]);
    rmSync(folder, { recursive: true, force: true });
  });
  child.stdout.resume();
  child.stdin.write(script);
  // The end of its input makes the watchdog end the step.
  await once(child, 'exit');
  await until(async () => !isRunning(folder));
  // The shell that starts it may not have done so yet.
  await until(async () => isRunning('sleep', mark), 10_000);
  child.stdout.destroy();
});
