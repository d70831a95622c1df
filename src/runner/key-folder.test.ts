import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createKeyFolder, sweepKeyFolders } from './key-folder.ts';

/** Starts a process that creates a key folder with a key and then kills itself. Returns the folder. */
function createAbandonedFolder(): string {
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

test('the key folder of a killed process is removed, and the folder of a running process is kept', async () => {
  const folderOfKilledProcess = createAbandonedFolder();
  const folderOfThisProcess = await createKeyFolder();
  try {
    await sweepKeyFolders();
    assert.ok(!existsSync(folderOfKilledProcess));
    assert.ok(existsSync(folderOfThisProcess));
  } finally {
    rmSync(folderOfThisProcess, { recursive: true });
    rmSync(folderOfKilledProcess, { recursive: true, force: true });
  }
});

test('a link, and a folder that other users can read, are kept even if they have the name of a key folder', async () => {
  // The ID of a process that has ended.
  const { pid } = spawnSync('true');
  // Other users can read this folder, so `createKeyFolder` did not create it.
  const publicFolder = `${tmpdir()}/devpilot-ssh-${pid}-publicFolder`;
  const outside = `${tmpdir()}/devpilot-outside-${process.pid}`;
  const link = `${tmpdir()}/devpilot-ssh-${pid}-link`;
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'content');
  symlinkSync(outside, link);
  mkdirSync(publicFolder);
  chmodSync(publicFolder, 0o755);
  try {
    await sweepKeyFolders();
    assert.ok(existsSync(publicFolder));
    assert.ok(existsSync(link));
    assert.ok(existsSync(join(outside, 'file')));
  } finally {
    for (const path of [link, publicFolder, outside]) rmSync(path, { recursive: true, force: true });
  }
});
