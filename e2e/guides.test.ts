import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createToken, signUpOwner, startHouse, type TestHouse, type TestPerson } from '../src/testing/house.ts';
import { openShell, type Shell, untilEnd } from './command.ts';
import { needCommand } from './debian.ts';

const pageOf = (path: string) => readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8');
const VECTORS = [...pageOf('secret-format.md').matchAll(/^\| `([A-Za-z0-9_]+)` \| (?:yes|no)/gm)].map(
  ([, one = '']) => one,
);

describe('the patterns of docs/guides/secret-scanners.md', () => {
  const page = pageOf('guides/secret-scanners.md');
  const cell = (name: string) =>
    new RegExp(`^\\| ${name} \\| \`(.*)\` \\|$`, 'm').exec(page)?.[1]?.replaceAll('\\|', '|') ?? '';
  const patterns = {
    gitleaks: /^regex = '''(.*)'''$/m.exec(page)?.[1] ?? '',
    TruffleHog: /^ {6}secret: '(.*)'$/m.exec(page)?.[1] ?? '',
    GitHub: `(?:${cell('Before secret').replace('\\A', '^')})${cell('Secret format')}(?:${cell('After secret').replace('\\z', '$')})`,
  };
  for (const [scanner, pattern] of Object.entries(patterns)) {
    test(`${scanner}: each test vector is hit, however it stands in a text, and what is no secret is not`, () => {
      const shape = new RegExp(pattern);
      assert.equal(VECTORS.length, 4);
      for (const vector of VECTORS) {
        for (const text of [vector, `TOKEN="${vector}"`, `a: ${vector}\n`, `https://x:${vector}@host`]) {
          assert.match(text, shape);
        }
        for (const text of [vector.slice(0, -1), `${vector}a`, `x${vector}`, vector.replace('_', '-')]) {
          assert.doesNotMatch(text, shape);
        }
      }
    });
  }
});

/** The lines of a script inside a page, taken out of the YAML around them. */
function scriptOf(page: string): string {
  const lines = pageOf(`guides/${page}`).split('\n');
  const from = lines.findIndex((line) => /^\s*(set -eu|devpilot\(\) \{)$/.test(line));
  const to = lines.findIndex((line, at) => at > from && line.includes('/v1/whoami'));
  const indent = /^\s*/.exec(lines[from] ?? '')?.[0].length ?? 0;
  return lines
    .slice(from, to + 1)
    .map((line) => line.slice(indent))
    .join('\n');
}

describe('the scripts of the pipeline guides', () => {
  let house: TestHouse;
  let owner: TestPerson;
  let shell: Shell;
  before(async () => {
    needCommand('curl');
    house = await startHouse();
    owner = await signUpOwner(house);
    shell = openShell();
  });
  after(async () => {
    shell.close();
    await house.close();
  });

  for (const page of ['github-actions.md', 'gitlab-ci.md', 'cron.md', 'systemd-timers.md']) {
    test(`${page}: presents token and passphrase, and fails where they are refused`, async () => {
      const passphrase = 'one-and-another';
      const token = await createToken(owner, ['basic_deployment'], { passphrase });
      const run = (secret: string) => {
        const directory = join(shell.directory, page);
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, 'token'), `${secret}\n`);
        writeFileSync(join(directory, 'passphrase'), `${passphrase}\n`);
        const environment = {
          PATH: process.env['PATH'],
          DEVPILOT_URL: house.url,
          DEVPILOT_TOKEN: secret,
          DEVPILOT_PASSPHRASE: passphrase,
          NIGHTLY_DIRECTORY: directory,
          CREDENTIALS_DIRECTORY: directory,
        };
        return untilEnd(spawn('/bin/sh', ['-c', scriptOf(page)], { env: environment, stdio: 'pipe' }));
      };
      const allowed = await run(token.secret);
      assert.equal(allowed.code, 0, allowed.stderr);
      assert.equal(JSON.parse(allowed.stdout).principal.id, token.id);
      const other = await createToken(owner, ['basic_deployment'], { passphrase: 'not the same' });
      const refused = await run(other.secret);
      assert.equal(refused.code, 22);
      assert.match(refused.stdout, /passphrase_incorrect/);
    });
  }
});
