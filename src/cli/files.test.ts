import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { streamToPrivateFile, writePrivateFile } from './files.ts';

test('a file that is written through a symbolic link is private, and the link stays', async () => {
  const directory = temporaryDirectory();
  const write = {
    text: async (file: string) => writePrivateFile(file, 'new'),
    stream: (file: string) => streamToPrivateFile(file, Readable.from(['new'])),
  };
  for (const [kind, writeTo] of Object.entries(write)) {
    const target = join(directory, `${kind}.env`);
    const link = join(directory, `${kind}-link.env`);
    const linkToMissing = join(directory, `${kind}-new-link.env`);
    writeFileSync(target, 'old', { mode: 0o644 });
    symlinkSync(target, link);
    symlinkSync(join(directory, `${kind}-new.env`), linkToMissing);
    for (const file of [link, linkToMissing]) {
      await writeTo(file);
      assert.equal(lstatSync(file).isSymbolicLink(), true, file);
      assert.equal(readFileSync(file, 'utf8'), 'new', file);
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
    }
  }
  assert.equal(readdirSync(directory).length, 8, 'no temporary files remain');
});
