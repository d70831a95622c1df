import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LIMITS } from '../contract/limits.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { createErrorKey, sentryAuth } from '../testing/error-keys.ts';
import {
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

/**
 * Requests that once blocked the event loop for seconds or minutes. Most are refused by a limit that is checked before
 * the expensive work, so the error code proves that the limit exists. Where the response is the same without the limit,
 * the test would time out.
 */

let testServer: TestServer;
let owner: TestPerson;
let secret: string;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  secret = (await createToken(owner, ['error_tracker', 'activity_tracker'])).secret;
});
after(() => testServer.close());

const JSON_TYPE = { 'content-type': 'application/json' };
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const jsonFields = (count: number) => Array.from({ length: count }, (_, index) => `"k${index}":1`).join();

function expectCode(response: TestResponse<ProblemBody>, code: string): void {
  assert.equal(response.body.code, code, `${response.status} ${response.text.slice(0, 300)}`);
  assert.ok(response.text.length < 50_000, `a response of ${response.text.length} characters`);
}

test('a form with more than 100 fields is refused for their number', async () => {
  const fields = Array.from({ length: 30_000 }, (_, index) => `a${index}=`).join('&');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const path of ['/v1/revoke', '/v1/device/code', '/v1/device/token']) {
    expectCode(await testServer.call<ProblemBody>(path, { method: 'POST', headers, body: fields }), 'too_large');
    // Few bytes, so that only the number of fields is too large.
    const oneTooMany = Array.from({ length: LIMITS.formFields + 1 }, (_, index) => `a${index}=`).join('&');
    const refused = await testServer.call<ProblemBody>(path, { method: 'POST', headers, body: oneTooMany });
    expectCode(refused, 'too_large');
    assert.match(refused.body.detail, /100 fields/);
  }
  const repeatedField = await testServer.call<ProblemBody>('/v1/revoke', {
    method: 'POST',
    headers,
    body: 'token=a&x=1&token=b',
  });
  expectCode(repeatedField, 'invalid_request');
});

test('deeply nested or wide JSON is refused before it is parsed', async () => {
  const send = (body: string) =>
    testServer.call<ProblemBody>('/v1/sessions', { method: 'POST', headers: JSON_TYPE, body });
  expectCode(await send(nested(500_000)), 'invalid_request');
  expectCode(await send(`{"email":${nested(33)}}`), 'invalid_request');
  expectCode(await send(`{${jsonFields(60_000)}}`), 'too_large');
  expectCode(await send(`[${'{},'.repeat(300_000)}{}]`), 'too_large');
  expectCode(await send(`{"email":[${'1,'.repeat(300_000)}1]}`), 'too_large');
});

test('a response names at most 20 invalid fields', async () => {
  const manyFields = await testServer.call<ProblemBody>('/v1/sessions', {
    method: 'POST',
    headers: JSON_TYPE,
    body: `{${jsonFields(1_900)}}`,
  });
  expectCode(manyFields, 'validation_failed');
  assert.equal(manyFields.body.errors?.length, 20);
  const longName = await testServer.call<ProblemBody>('/v1/sessions', { body: { ['k'.repeat(500_000)]: 1 } });
  expectCode(longName, 'validation_failed');
});

test('text that is too long is refused before Unicode normalization, which takes quadratic time for combining characters', {
  timeout: 20_000,
}, async () => {
  // Two combining characters of different classes, which normalization would sort.
  const combiningCharacters = '\u0301\u0327'.repeat(80_000);
  const person = { name: combiningCharacters, email: 'ada@example.com', password: PASSWORD };
  for (const body of [
    person,
    { ...person, name: 'Ada', email: combiningCharacters },
    { ...person, name: 'Ada', password: combiningCharacters },
  ]) {
    expectCode(await testServer.call<ProblemBody>('/v1/people', { body }), 'validation_failed');
  }
  const description = await owner.call<ProblemBody>('/v1/projects', {
    body: { name: 'Shop', description: combiningCharacters },
  });
  expectCode(description, 'validation_failed');
  const tokenWithPassphrase = await createToken(owner, ['run_scripts'], { passphrase: 'correct horse battery' });
  const key = await createKey(owner, ['read']);
  const introspect = (passphrase: string) =>
    testServer.call<ProblemBody>('/v1/introspect', {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}` },
      body: new URLSearchParams({ token: tokenWithPassphrase.secret, passphrase }),
    });
  assert.deepEqual((await introspect(combiningCharacters.slice(0, 5_000))).body, { active: false });
  assert.equal((await introspect(combiningCharacters)).status, 413);
});

test("the events of a batch are counted before they are read, and each event's size is limited", async () => {
  const send = (body: string | Uint8Array, type: string) =>
    testServer.call<ProblemBody>('/v1/activity/events', {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': type },
      body,
    });
  const batch = 'application/cloudevents-batch+json';
  const singleEvent = 'application/cloudevents+json';
  const manyEvents = await send(`[${'{},'.repeat(2_000_000)}{}]`, batch);
  expectCode(manyEvents, 'validation_failed');
  assert.equal(manyEvents.body.errors?.[0]?.message, 'must contain at most 1000 events');
  expectCode(await send(nested(1_000_000), batch), 'invalid_request');
  expectCode(await send(`{"specversion":"1.0","data":${nested(100_000)}}`, singleEvent), 'invalid_request');
  const wide = await send(`{"specversion":"1.0","data":[${'{},'.repeat(500_000)}{}]}`, singleEvent);
  expectCode(wide, 'validation_failed');
  assert.equal(wide.body.errors?.[0]?.field, 'data');
  // White space is not stored as data, but counts toward the size of the event.
  const padded = `{"specversion":"1.0","id":"1","source":"/a","type":"a"${' '.repeat(600_000)}}`;
  for (const [body, type, field] of [
    [padded, singleEvent, 'data'],
    [`[${padded}]`, batch, '0.data'],
  ] as const) {
    const response = await send(body, type);
    expectCode(response, 'validation_failed');
    assert.equal(response.body.errors?.[0]?.field, field);
  }
  const attributes = { specversion: '1.0', id: '1', source: '/a', type: 'a', datacontenttype: 'application/json' };
  const encoded = { ...attributes, data_base64: Buffer.from(nested(100_000)).toString('base64') };
  expectCode(await send(JSON.stringify(encoded), singleEvent), 'invalid_request');
});

test('an envelope that decompresses to nested or wide data is refused before it is parsed', async () => {
  const { publicKey } = await createErrorKey(owner);
  const send = (event: string) =>
    testServer.call<ProblemBody>('/api/1/envelope/', {
      method: 'POST',
      headers: { ...sentryAuth(publicKey), 'content-encoding': 'gzip' },
      body: gzipSync(`{}\n{"type":"event"}\n${event}\n`),
    });
  expectCode(await send(nested(400_000)), 'invalid_request');
  expectCode(await send(`{"tags":{${jsonFields(60_000)}}}`), 'too_large');
  expectCode(await send(`{"message":"${'a'.repeat(1_100_000)}"}`), 'too_large');
  const accepted = await send(`{"message":"it failed","tags":{${jsonFields(1_000)}}}`);
  assert.equal(accepted.status, 200, accepted.text);
});

test("a guard's report on too many credentials is refused, and one with the maximum of credentials and addresses is accepted", async () => {
  const key = await createKey(owner, ['read'], { guard: true });
  const send = (body: unknown) =>
    testServer.call<ProblemBody>('/v1/guards/uses', {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}` },
      body,
    });
  const time = new Date().toISOString();
  const addresses = Array.from({ length: 20 }, (_, n) => ({ address: `192.0.2.${n}`, first: time, last: time }));
  const uses = Array.from({ length: 500 }, (_, n) => ({
    credentialId: `tok_${n}`,
    count: 1,
    lastUsedAt: time,
    addresses,
  }));
  const report = { guard: 'q3Zr9yF0T2mJwXk7B1dNhA', chunk: 1, uses };
  assert.equal((await send(report)).status, 204);
  expectCode(await send({ ...report, uses: Array.from({ length: 60_000 }, () => ({})) }), 'too_large');
  const withInvalidLastEntry = await send({
    ...report,
    uses: uses.with(499, { ...report.uses[0], count: 0 } as never),
  });
  expectCode(withInvalidLastEntry, 'validation_failed');
  assert.match(withInvalidLastEntry.text, /"field":"uses\.499\.count"/);
});
