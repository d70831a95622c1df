import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import { describeLineErrors, parseImport } from './import-file.ts';

const DIGEST = 'a'.repeat(64);
const OTHER_DIGEST = 'b'.repeat(64);

test('CSV with columns in any order and NDJSON are parsed into credentials with their line numbers', () => {
  const csv = `name,kind,digest,rights,active,addresses,rate,maxUses,expiresAt\r
"Ada ""and""
Bob",api_key,${DIGEST},read write,false,203.0.113.7 ::1,100/min,5,2030-01-01T00:00:00Z\r
\r
CI,access_token,${OTHER_DIGEST},all,,,,,`;
  const restrictions = { addresses: ['203.0.113.7', '::1'], rate: { requests: 100, seconds: 60 }, maxUses: 5 };
  const key = {
    kind: 'api_key',
    digest: DIGEST,
    name: 'Ada "and"\nBob',
    expiresAt: '2030-01-01T00:00:00Z',
    active: false,
  };
  const token = { kind: 'access_token', digest: OTHER_DIGEST, name: 'CI', scopes: ['all'] };
  assert.deepEqual(parseImport(csv, 'csv'), [
    { line: 2, credential: { ...key, permissions: ['read', 'write'], restrictions } },
    { line: 5, credential: token },
  ]);
  assert.deepEqual(parseImport(`\uFEFF\n${JSON.stringify(token)}\r\n`, 'ndjson'), [{ line: 2, credential: token }]);
});

test('the error message contains the number of the first invalid line, and none of its values', () => {
  const secret = mintSecret('api_key');
  const header = 'kind,digest,name,rights,maxUses,rate';
  const rows: [format: 'csv' | 'ndjson', text: string, message: RegExp][] = [
    ['csv', '', /^The first line must name the columns/],
    ['csv', `api_key,${secret},A key,read`, /^The first line must name the columns/],
    ['csv', `${header}\napi_key,${DIGEST}\n`, /^Line 2: must have 6 cells/],
    ['csv', `${header}\n"api_key"x,${DIGEST},A key,read,,\n`, /^Line 2: not valid CSV/],
    ['csv', `${header}\napi_key,${secret},A key,read,,\n`, /^Line 2: digest must be the SHA-256/],
    ['csv', `${header}\napi_key,${DIGEST},Key ${secret},read,,\n`, /^Line 2: contains a secret/],
    ['csv', `${header}\napi_key,${DIGEST},A key,read,many,\n`, /^Line 2: maxUses must be a whole number/],
    ['csv', `${header}\napi_key,${DIGEST},A key,read,,fast\n`, /^Line 2: rate must be requests per time/],
    [
      'csv',
      `${header}\napi_key,${DIGEST},A key,read,,\napi_key,${DIGEST.toUpperCase()},B key,read,,`,
      /^Line 3: has the same/,
    ],
    ['ndjson', `{"kind":"api_key","digest":"${DIGEST}"}\n{"secret":"${secret}"`, /^Line 2: not valid JSON/],
    ['ndjson', 'null', /^Line 1: digest must be the SHA-256/],
    ['ndjson', `{"digest":"${DIGEST}","secret":"${secret}"}`, /^Line 1: contains a secret/],
  ];
  for (const [format, text, message] of rows) {
    assert.throws(
      () => parseImport(text, format),
      (error: Error) =>
        message.test(error.message) && !error.message.includes(secret) && !error.message.includes(DIGEST),
      text,
    );
  }
});

test('errors of the server are described by line instead of position', () => {
  const chunk = parseImport(`\n\n{"digest":"${DIGEST}"}\n\n{"digest":"${OTHER_DIGEST}"}`, 'ndjson');
  const errors = [
    { field: 'credentials.1.name', message: 'is required' },
    { field: 'credentials.0', message: 'must be an object' },
  ];
  assert.equal(describeLineErrors(errors, chunk), 'Line 5: name is required.\nLine 3: must be an object.');
  assert.equal(describeLineErrors([{ field: 'createdBy', message: 'is refused' }], chunk), null);
});
