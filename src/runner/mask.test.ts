import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mintSecret } from '../authorization/secret.ts';
import { createMask } from './mask.ts';

/** The expected result, found by searching for each secret at each position. */
function hiddenBy(secrets: readonly string[], line: string): string {
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

const text = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: min, maxLength: max });

test('every secret is masked at every position, including overlapping secrets', () => {
  fc.assert(
    fc.property(fc.array(text(4, 9), { maxLength: 8 }), text(0, 60), (secrets, line) => {
      const forms = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
      assert.equal(createMask(secrets)(line, line.length), hiddenBy(forms, line));
    }),
    { numRuns: 1_000 },
  );
});

test('a secret that begins within the kept prefix is masked completely, however long it is', () => {
  const secret = 's3cret'.repeat(5_000);
  const mask = createMask([secret]);
  assert.equal(mask(`key=${secret};`, 20), 'key=[secret]');
  assert.ok(mask.lookahead <= 256);
  const seen = `key=${secret}`.slice(0, 20 + mask.lookahead);
  assert.equal(mask(seen, 20), 'key=[secret]');
});

test('a secret at the end of the kept prefix stays hidden, however many secrets before it are masked', () => {
  const secrets = Array.from({ length: 6 }, () => mintSecret('api_key'));
  const before = secrets.slice(0, 5).join(' ');
  for (const values of [['pass-word'], ['pass-word', secrets[0] ?? '']]) {
    const mask = createMask(values);
    for (const length of [before.length + 1, before.length + 10, before.length + 60]) {
      const line = `${before} ${secrets[5]} pass-word`.slice(0, length + mask.lookahead);
      const shown = mask(line, length).replaceAll('[secret]', '');
      assert.doesNotMatch(shown, /[0-9A-Za-z]{2}/, `${values.length} ${length}`);
    }
    assert.equal(mask(`pass-word ${secrets[5]}`, 40), '[secret] [secret]');
  }
});

/** Returns processor milliseconds, which do not depend on other load. */
function costOf(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

test('masking a line costs the same however many secrets there are and however repetitive they are', () => {
  const line = 'a'.repeat(16_000);
  const nested = createMask(Array.from({ length: 1_000 }, (_, index) => 'a'.repeat(4 + index)));
  const long = createMask([`b${'a'.repeat(65_000)}`, 'a'.repeat(65_000)]);
  // This used to take nine seconds.
  assert.ok(costOf(() => nested(line, line.length)) < 1_000);
  assert.ok(costOf(() => long('a'.repeat(131_000), 65_000)) < 1_000);
});
