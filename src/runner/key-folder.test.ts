import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createKeyFolder, sweepKeyFolders } from './key-folder.ts';

/** Creates a key folder with a key in a process that then kills itself. */
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

test('the key of a killed process is removed, and that of a running process stays', async () => {
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

test('entries with a similar name that are not private folders of this user stay', async () => {
  const { pid } = spawnSync('true');
  // Readable by others, so it was not created by `createKeyFolder`.
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
