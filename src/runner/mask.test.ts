import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { mintSecret } from '../authorization/secret.ts';
import { createMask as createMaskWithYields } from './mask.ts';

const createMask = (secrets: readonly string[]) => createMaskWithYields(secrets, () => undefined);

/** Returns the expected result by searching for each secret at each position. */
function expectedMask(secrets: readonly string[], line: string): string {
  let shown = '';
  for (let index = 0, end = 0; index < line.length; index++) {
    const length = Math.max(
      0,
      ...secrets.filter((secret) => line.startsWith(secret, index)).map((secret) => secret.length),
    );
    if (length > 0 && index >= end) shown += '[secret]';
    end = Math.max(end, length > 0 ? index + length : 0);
    if (index >= end) shown += line.charAt(index);
  }
  return shown;
}

const textOfLength = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: min, maxLength: max });

test('every secret is masked at every position, including overlapping secrets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(textOfLength(4, 9), { maxLength: 8 }), textOfLength(0, 60), async (secrets, line) => {
      const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
      assert.equal((await createMask(secrets))(line, line.length), expectedMask(forms, line));
    }),
    { numRuns: 1_000 },
  );
});

test('a secret that begins within the requested part of a line is masked completely, regardless of its length', async () => {
  const secret = 's3cret'.repeat(5_000);
  const mask = await createMask([secret]);
  assert.equal(mask(`key=${secret};`, 20), 'key=[secret]');
  assert.ok(mask.lookahead <= 256);
  const prefix = `key=${secret}`.slice(0, 20 + mask.lookahead);
  assert.equal(mask(prefix, 20), 'key=[secret]');
});

test('a secret at the end of the requested part of a line is masked, regardless of how many secrets precede it', async () => {
  const secrets = Array.from({ length: 6 }, () => mintSecret('api_key'));
  const precedingSecrets = secrets.slice(0, 5).join(' ');
  for (const values of [['pass-word'], ['pass-word', secrets[0] ?? '']]) {
    const mask = await createMask(values);
    for (const length of [precedingSecrets.length + 1, precedingSecrets.length + 10, precedingSecrets.length + 60]) {
      const line = `${precedingSecrets} ${secrets[5]} pass-word`.slice(0, length + mask.lookahead);
      // The line contains only secrets and spaces, so two characters in a row would be a part of a secret.
      const shown = mask(line, length).replaceAll('[secret]', '');
      assert.doesNotMatch(shown, /[0-9A-Za-z]{2}/, `${values.length} ${length}`);
    }
    assert.equal(mask(`pass-word ${secrets[5]}`, 40), '[secret] [secret]');
  }
});

const coloredText = fc
  .array(fc.constantFrom('a', 'b', 'c', '\u001b[31m', '\u001b[0m', '\u001b]8;;x\u0007'), { maxLength: 60 })
  .map((pieces) => pieces.join(''));

test('a secret is masked even if only a part of it is colored', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(textOfLength(4, 9), { maxLength: 8 }), coloredText, async (secrets, line) => {
      const mask = await createMask(secrets);
      const plain = stripVTControlCharacters(line);
      assert.equal(stripVTControlCharacters(mask(line, line.length)), mask(plain, plain.length));
    }),
    { numRuns: 1_000 },
  );
  const mask = await createMask(['pass-word']);
  assert.equal(mask('key=pass\u001b[1m-wo\u001b[0mrd;', 100), 'key=[secret];');
  const colored = `12345 pass\u001b[1m${'\u001b[0m'.repeat(100)}-word`;
  assert.equal(mask(colored.slice(0, 12 + mask.lookahead), 12), '12345 [secret]');
});

test('the shown part of an unfinished line is a prefix of the masked line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(textOfLength(4, 9), { maxLength: 8 }), coloredText, async (secrets, line) => {
      const mask = await createMask(secrets);
      const masked = mask(line, line.length);
      for (let length = 0; length <= line.length; length++) {
        const start = line.slice(0, length);
        const shown = mask(start, mask.showableLength(start));
        assert.ok(masked.startsWith(shown), `${JSON.stringify(shown)} of ${JSON.stringify(masked)}`);
      }
    }),
    { numRuns: 500 },
  );
  const mask = await createMask(['pass-word']);
  assert.equal(mask.showableLength('Password: '), 'Password: '.length);
  assert.equal(mask.showableLength('key=pass-wo'), 4);
  const secret = mintSecret('api_key');
  for (let length = secret.indexOf('_') + 2; length < secret.length; length++)
    assert.equal(mask.showableLength(`key=${secret.slice(0, length)}`), 4);
});

test('the creation of a mask can yield before each value', async () => {
  const values = Array.from({ length: 100 }, (_, index) => `value-${index}`);
  let yields = 0;
  const mask = await createMaskWithYields(values, () => {
    yields++;
    return undefined;
  });
  assert.equal(yields, values.length);
  assert.equal(mask('key=value-99;', 20), 'key=[secret];');
});

/** Returns the CPU time of a call in milliseconds. Unlike elapsed time, it does not depend on other load. */
function cpuMsOf(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

test('a long line is masked in less than a second of CPU time, even with many or long repetitive secrets', async () => {
  const line = 'a'.repeat(16_000);
  const nested = await createMask(Array.from({ length: 1_000 }, (_, index) => 'a'.repeat(4 + index)));
  const long = await createMask([`b${'a'.repeat(65_000)}`, 'a'.repeat(65_000)]);

  assert.ok(cpuMsOf(() => nested(line, line.length)) < 1_000);
  assert.ok(cpuMsOf(() => long('a'.repeat(131_000), 65_000)) < 1_000);
});
