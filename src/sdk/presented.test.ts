import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { presentedIn } from './presented.ts';

const KEY = 'dp_0123456789';

test('one secret in one header is plain; anything else is left to the server or is nothing', () => {
  const cases: readonly [readonly string[], unknown][] = [
    [[], { kind: 'none' }],
    [['Host', 'x', 'Accept', '*/*', 'X-Request-Id', 'y'], { kind: 'none' }],
    [['Authorization', ''], { kind: 'none' }],
    [['Authorization', 'Bearer s'], { kind: 'plain', secret: 's' }],
    [['AUTHORIZATION', 'bearer  s '], { kind: 'plain', secret: 's' }],
    [['X-API-Key', ` ${KEY} `], { kind: 'plain', secret: KEY }],
    [['X-API-Key', 'workspace_token_s'], { kind: 'other' }],
    [['Authorization', 'Basic czo='], { kind: 'other' }],
    [['Authorization', 's'], { kind: 'other' }],
    [['Authorization', 'Bearer s', 'Authorization', 'Bearer s'], { kind: 'other' }],
    [['Authorization', 'Bearer s', 'X-API-Key', KEY], { kind: 'other' }],
    [['Authorization', 'Bearer s', 'Authorization', ''], { kind: 'plain', secret: 's' }],
    [['Authorization', 'Bearer s', 'Access-Token-Passphrase', 'p'], { kind: 'other' }],
    [['Access-Token-Passphrase', 'p', 'Authorization', 'Bearer s'], { kind: 'other' }],
    [['Access-Token-Passphrase', '', 'Authorization', 'Bearer s'], { kind: 'plain', secret: 's' }],
  ];
  for (const [headers, expected] of cases) assert.deepEqual(presentedIn(headers), expected, headers.join(' '));
});

test('no headers throw, and two credentials are never one', () => {
  const name = fc.oneof(
    fc.constantFrom('authorization', 'X-API-Key', 'access-token-passphrase'),
    fc.string({ maxLength: 30 }),
  );
  const value = fc.oneof(fc.string(), fc.constantFrom('', 'Bearer s', 'Basic s', KEY, 'Bearer'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (lines) => {
      const presented = presentedIn(lines.flat());
      const given = lines.filter(([one, text]) => /^(?:authorization|x-api-key)$/i.test(one) && text !== '');
      if (given.length > 1) assert.equal(presented.kind, 'other');
      if (presented.kind === 'plain') assert.equal(given.length, 1);
    }),
    { numRuns: 2000 },
  );
});
