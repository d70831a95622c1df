import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDataDirectory, refuseUnusableFiles } from '../store/data-directory.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import { runCommand } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { createLogger } from './logger.ts';
import { readSettings } from './settings.ts';
import { startServer } from './start.ts';

const FILES = [
  'devpilot.db',
  'devpilot.db-wal',
  'devpilot.lock',
  'devpilot.pid',
  'devpilot.state',
  'devpilot.reserve',
  'secret',
];

const fileCreators: Readonly<Record<string, (path: string) => void>> = {
  'a directory': (path) => mkdirSync(path),
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
};

for (const [description, createFile] of Object.entries(fileCreators)) {
  test(`${description} in place of a file of the data directory stops the start with exit code 2 and one line`, async () => {
    for (const file of FILES) {
      const directory = temporaryDirectory();
      const path = join(directory, file);
      createFile(path);
      const { code, stdout, stderr } = await runCommand(['serve'], { PORT: '0', DEVPILOT_DATA_DIR: directory });
      assert.deepEqual([code, stdout], [2, ''], `${file}: ${stderr}`);
      assert.match(
        stderr,
        /^devpilot: [^\n]+ is (?:a directory|not a regular file)\. [^\n]*DEVPILOT_DATA_DIR[^\n]*\.\n$/,
      );
      assert.ok(stderr.startsWith(`devpilot: ${path} is `), stderr);
    }
  });
}

const unusableFiles: Readonly<Record<string, { readonly file: string; readonly text: string }>> = {
  'a damaged store': { file: 'devpilot.db', text: 'x'.repeat(8192) },
  'a secret that is too short': { file: 'secret', text: 'short' },
};

for (const [description, { file, text }] of Object.entries(unusableFiles)) {
  test(`${description} stops the start with exit code 2 and one line that names the setting and the file`, async () => {
    const directory = temporaryDirectory();
    const path = join(directory, file);
    writeFileSync(path, text);
    const { code, stdout, stderr } = await runCommand(['serve'], { PORT: '0', DEVPILOT_DATA_DIR: directory });
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /^devpilot: DEVPILOT_DATA_DIR: [^\n]+\n$/);
    assert.ok(stderr.includes(path), stderr);
  });
}

test('a data directory that is a file, or is below a file, stops the start with exit code 2 and one line', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'data');
  writeFileSync(file, 'something else');
  for (const path of [file, join(file, 'data')]) {
    const { code, stdout, stderr } = await runCommand(['serve'], { PORT: '0', DEVPILOT_DATA_DIR: path });
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /^devpilot: DEVPILOT_DATA_DIR must be a directory [^\n]+\.\n$/);
  }
});

test('a data directory in use by another process stops the start, and commands on it, with exit code 2 and one line', async () => {
  const directory = temporaryDirectory();
  const lock = lockDataDirectory(directory);
  for (const args of [['serve'], ['people', 'list']]) {
    const { code, stdout, stderr } = await runCommand(args, { PORT: '0', DEVPILOT_DATA_DIR: directory });
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /^devpilot: The data directory [^\n]+ is in use by process \d+\. [^\n]+\n$/);
  }
  lock.release();
});

test('if this user may not access a file of the data directory, the error names the file and the remedies', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'devpilot.db');
  writeFileSync(path, 'x');
  const denied = () => {
    throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
  };
  assert.throws(
    () => refuseUnusableFiles(directory, denied),
    (error) =>
      error instanceof StartRefusedError &&
      error.message.startsWith(`${path} cannot be read and written by this user (EACCES).`) &&
      error.message.includes('DEVPILOT_DATA_DIR'),
  );
  refuseUnusableFiles(join(directory, 'nothing-there'), denied);
});

test('a start that fails at an early or a late step releases the data directory', async () => {
  const directory = temporaryDirectory();
  const portHolder = createServer().listen(0, '127.0.0.1');
  await once(portHolder, 'listening');
  const { port } = portHolder.address() as AddressInfo;
  const logger = createLogger('silent');
  const settings = (metrics?: string) =>
    readSettings({
      PORT: '0',
      HOST: '127.0.0.1',
      DEVPILOT_DATA_DIR: directory,
      ...(metrics !== undefined && { DEVPILOT_METRICS: metrics }),
    });
  const clock = () => {
    throw new Error('no time');
  };
  await assert.rejects(startServer(settings(), { logger, clock }), /no time/);
  await assert.rejects(startServer(settings(`127.0.0.1:${port}`), { logger }), /DEVPILOT_METRICS/);
  await (await startServer(settings(), { logger })).close();
  portHolder.close();
});
