import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createKeyFolder, sweepKeyFolders } from './key-folder.ts';

/** Makes a folder with a key in it in a process that then kills itself. */
function leave(): string {
  const module = JSON.stringify(new URL('./key-folder.ts', import.meta.url).href);
  const script = `import { writeFileSync } from 'node:fs';
    import { createKeyFolder } from ${module};
    const folder = await createKeyFolder();
    writeFileSync(folder + '/key', 'private', { mode: 0o600 });
    process.stdout.write(folder, () => process.kill(process.pid, 'SIGKILL'));`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL');
  return stdout;
}

test('a key that a killed process left is removed, and that of one which lives stays', async () => {
  const left = leave();
  const own = await createKeyFolder();
  try {
    await sweepKeyFolders();
    assert.ok(!existsSync(left));
    assert.ok(existsSync(own));
  } finally {
    rmSync(own, { recursive: true });
    rmSync(left, { recursive: true, force: true });
  }
});

test('what is named alike and is no folder of ours alone stays', async () => {
  const { pid } = spawnSync('true');
  // As others may read it, it was not made by `createKeyFolder`.
  const open = `${tmpdir()}/devpilot-ssh-${pid}-open`;
  const outside = `${tmpdir()}/devpilot-outside-${process.pid}`;
  const link = `${tmpdir()}/devpilot-ssh-${pid}-link`;
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'whole');
  symlinkSync(outside, link);
  mkdirSync(open);
  chmodSync(open, 0o755);
  try {
    await sweepKeyFolders();
    assert.ok(existsSync(open));
    assert.ok(existsSync(link));
    assert.ok(existsSync(join(outside, 'file')));
  } finally {
    for (const path of [link, open, outside]) rmSync(path, { recursive: true, force: true });
  }
});
