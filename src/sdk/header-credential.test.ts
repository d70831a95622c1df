import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LEFT_TO_SERVER, NO_CREDENTIAL, readHeaderCredential } from './header-credential.ts';

const KEY = 'dp_0123456789';

test('a single secret in a single header is read; any other credential is left to the server', () => {
  const cases: readonly [readonly string[], unknown][] = [
    [[], NO_CREDENTIAL],
    [['Host', 'x', 'Accept', '*/*', 'X-Request-Id', 'y'], NO_CREDENTIAL],
    [['Authorization', ''], NO_CREDENTIAL],
    [['Authorization', 'Bearer s'], 's'],
    [['AUTHORIZATION', 'bearer  s '], 's'],
    [['X-API-Key', ` ${KEY} `], KEY],
    [['X-API-Key', 'workspace_token_s'], LEFT_TO_SERVER],
    [['Authorization', 'Basic czo='], LEFT_TO_SERVER],
    [['Authorization', 's'], LEFT_TO_SERVER],
    [['Authorization', 'Bearer s', 'Authorization', 'Bearer s'], LEFT_TO_SERVER],
    [['Authorization', 'Bearer s', 'X-API-Key', KEY], LEFT_TO_SERVER],
    [['Authorization', 'Bearer s', 'Authorization', ''], 's'],
    [['Authorization', 'Bearer s', 'Access-Token-Passphrase', 'p'], LEFT_TO_SERVER],
    [['Access-Token-Passphrase', 'p', 'Authorization', 'Bearer s'], LEFT_TO_SERVER],
    [['Access-Token-Passphrase', '', 'Authorization', 'Bearer s'], 's'],
  ];
  for (const [headers, expected] of cases) assert.equal(readHeaderCredential(headers), expected, headers.join(' '));
});

test('reading arbitrary headers never throws, and two credentials are never read as one', () => {
  const name = fc.oneof(
    fc.constantFrom('authorization', 'X-API-Key', 'access-token-passphrase'),
    fc.string({ maxLength: 30 }),
  );
  const value = fc.oneof(fc.string(), fc.constantFrom('', 'Bearer s', 'Basic s', KEY, 'Bearer'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (headers) => {
      const credential = readHeaderCredential(headers.flat());
      const credentialHeaders = headers.filter(
        ([headerName, text]) => /^(?:authorization|x-api-key)$/i.test(headerName) && text !== '',
      );
      if (credentialHeaders.length > 1) assert.equal(credential, LEFT_TO_SERVER);
      if (typeof credential === 'string') assert.equal(credentialHeaders.length, 1);
    }),
    { numRuns: 2000 },
  );
});
