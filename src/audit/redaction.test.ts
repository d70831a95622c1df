import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { generate } from 'otplib';
import { mintSecret } from '../authorization/secret.ts';
import { containsSecret, redactSecrets } from '../contract/redact.ts';
import { spawnServer } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { cookieOf, sendRequest, type TestResponse } from '../testing/test-server.ts';

test('a secret is found and redacted regardless of the surrounding text', () => {
  const surroundingText = fc.string({ maxLength: 30 });
  const kind = fc.constantFrom('access_token' as const, 'api_key' as const, 'session' as const);
  fc.assert(
    fc.property(surroundingText, kind, surroundingText, (before, secretKind, after) => {
      const secret = mintSecret(secretKind);
      const text = `${before}${secret}${after}`;
      assert.ok(!redactSecrets(text).includes(secret.slice(-46)));
      assert.ok(containsSecret(text));
      assert.ok(containsSecret(encodeURIComponent(text.toWellFormed())));
    }),
  );
  assert.equal(redactSecrets('dp_short workspace_token_'), 'dp_short workspace_token_');
});

test('no secret reaches a log line, the store, a metric or another response (unlike in CVE-2026-62386, GHSA-vw58-ph65-6rxp, GHSA-j72f-h752-mx4w)', async () => {
  const directory = temporaryDirectory();
  const server = await spawnServer(directory, {
    LOG_LEVEL: 'trace',
    DEVPILOT_METRICS: '127.0.0.1:0',
    DEVPILOT_SIGN_UP: 'open',
  });
  const password = 'PASSWORD-that-must-not-leak';
  const newPassword = 'NEWPASSWORD-that-must-not-leak';
  const passphrase = 'PASSPHRASE-that-must-not-leak';
  const responses: string[] = [];
  const secrets: string[] = [password, newPassword, passphrase];
  /** Sends a request and records the response's headers, and its body unless that is meant to contain a secret. */
  async function send<Body>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    method?: string,
    mayContainSecret = false,
  ): Promise<TestResponse<Body>> {
    const response = await sendRequest<Body>(server.url, path, {
      headers,
      body,
      ...(method !== undefined && { method }),
    });
    const visibleHeaders = [...response.headers].filter(([name]) => name !== 'set-cookie');
    responses.push(JSON.stringify(visibleHeaders));
    if (!mayContainSecret) responses.push(response.text);
    return response;
  }
  /** Sends a request whose response is meant to contain a secret. */
  const requestSecret = <Body>(path: string, body: unknown, headers: Record<string, string> = {}) =>
    send<Body>(path, body, headers, 'POST', true);
  const secretIn = (cookie: string) => cookie.split('=')[1] ?? '';

  const setupCode = server.setupCode ?? '';
  secrets.push(setupCode);
  const signedUp = await send('/v1/people', { name: 'Ada', email: 'ada@example.com', password, setupCode });
  const personHeaders = { cookie: cookieOf(signedUp), origin: server.url };
  secrets.push(secretIn(personHeaders.cookie));
  await send('/v1/workspaces', { name: 'Acme' }, personHeaders);
  type Created = { id: string; secret: string };
  const tooShortName = await send('/v1/access-tokens', { name: 'CI', scopes: ['all'] }, personHeaders);
  assert.equal(tooShortName.status, 422);
  const body = { name: 'Pipeline', scopes: ['all'], passphrase };
  const idempotentHeaders = { ...personHeaders, 'idempotency-key': 'once' };
  const protectedToken = await requestSecret<Created>('/v1/access-tokens', body, idempotentHeaders);
  assert.equal(protectedToken.headers.get('cache-control'), 'no-store');
  await send('/v1/access-tokens', body, idempotentHeaders);
  const key = await requestSecret<Created>('/v1/api-keys', { name: 'Billing', permissions: ['read'] }, personHeaders);
  secrets.push(protectedToken.body.secret, key.body.secret);
  const invited = await requestSecret<{ code: string }>(
    '/v1/invitations',
    { email: 'x@example.com', role: 'member' },
    personHeaders,
  );
  secrets.push(invited.body.code);
  const device = await requestSecret<{ device_code: string; user_code: string }>('/v1/device/code', {
    client_id: 'cli',
  });
  secrets.push(device.body.device_code);
  await send('/v1/device/approve', { userCode: device.body.user_code }, personHeaders);
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const polled = await requestSecret<{ access_token: string }>('/v1/device/token', {
    grant_type,
    device_code: device.body.device_code,
  });
  secrets.push(polled.body.access_token);
  const factor = await requestSecret<{ secret: string }>('/v1/me/two-factor', { password }, personHeaders);
  secrets.push(factor.body.secret);
  const confirmed = await requestSecret<{ recoveryCodes: string[] }>(
    '/v1/me/two-factor/confirm',
    { code: await generate({ secret: factor.body.secret }) },
    personHeaders,
  );
  assert.equal(confirmed.status, 200);
  secrets.push(
    ...confirmed.body.recoveryCodes,
    ...confirmed.body.recoveryCodes.map((code) => code.replaceAll('-', '')),
  );
  personHeaders.cookie = cookieOf(confirmed);
  secrets.push(secretIn(personHeaders.cookie));
  const changed = await send('/v1/me/password', { currentPassword: password, newPassword }, personHeaders);
  personHeaders.cookie = cookieOf(changed);
  secrets.push(secretIn(personHeaders.cookie));

  // Requests with a secret in positions in which someone might put it by mistake.
  for (const secret of [protectedToken.body.secret, key.body.secret, secretIn(personHeaders.cookie)]) {
    const bearer = { authorization: `Bearer ${secret}` };
    await send('/v1/authorize?scope=modify_env', undefined, { ...bearer, 'access-token-passphrase': passphrase });
    await send('/v1/whoami', undefined, { ...bearer, 'access-token-passphrase': `${passphrase}-wrong` });
    await send(`/v1/whoami?access_token=${secret}`, undefined, bearer);
    await send(`/v1/authorize?x=${secret}`);
    await send(`/v1/access-tokens/${secret}`, undefined, personHeaders);
    await send(`/v1/access-tokens/${secret}%zz`, undefined, personHeaders);
    await send(`/v1/${secret}`, undefined, personHeaders);
    await send(`/v1/access-tokens?q=${secret}`, undefined, personHeaders);
    await send('/v1/access-tokens', { name: 'Ab', scopes: [secret], [secret]: secret }, personHeaders);
    await send('/v1/access-tokens', `{"name": "${secret}`, { ...personHeaders, 'content-type': 'application/json' });
    await send('/v1/access-tokens', secret, { ...personHeaders, 'content-type': secret });
    await send('/v1/me', undefined, {
      ...personHeaders,
      'x-request-id': secret,
      'user-agent': secret,
      'devpilot-workspace': secret,
    });
    await send(
      '/v1/me',
      { name: 'Ada L.' },
      { ...personHeaders, 'user-agent': secret, 'x-request-id': secret.slice(0, 60) },
      'PATCH',
    );
    await send('/v1/sessions', { email: secret, password: secret });
    await send('/v1/introspect', new URLSearchParams({ token: secret, passphrase }), {
      authorization: `Bearer ${key.body.secret}`,
    });
    await send(`/v1/device/requests/${secret}`, undefined, personHeaders);
    await send(`/v1/invitations/${secret}/accept`, undefined, personHeaders, 'POST');
  }
  await send('/v1/sessions', {
    email: 'ada@example.com',
    password: newPassword,
    code: confirmed.body.recoveryCodes[0],
  });
  for (const path of [
    '/v1/access-tokens',
    '/v1/api-keys',
    '/v1/audit-events?limit=200',
    '/v1/sessions',
    '/v1/me',
    '/v1/invitations',
  ]) {
    await send(path, undefined, personHeaders);
  }
  await send('/v1/revoke', new URLSearchParams({ token: key.body.secret }));
  const metrics = await (await fetch(server.metricsUrl ?? '')).text();
  assert.match(metrics, /devpilot_authorization_decisions_total\{kind="access_token",decision="ok"\} [1-9]/);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 404);

  const { code, stdout, stderr } = await server.stop('SIGTERM');
  assert.equal(code, 0);
  // The setup link is printed once, intentionally, outside the log.
  const printed = `${stdout}\n${stderr}`.replace(/^One-time setup link: .*$/m, '');
  assert.ok(printed.includes('"route":"/v1/access-tokens/:id"'), 'the log was captured');
  const files = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))] as const);
  assert.ok(files.some(([name]) => name === 'devpilot.db'));
  const outputs: [string, Buffer][] = [
    ['the log', Buffer.from(printed)],
    ['a metric', Buffer.from(metrics)],
    ['a response', Buffer.from(responses.join('\n'))],
    ...files.filter(([name]) => name !== 'secret').map(([name, bytes]): [string, Buffer] => [name, bytes]),
  ];
  assert.ok(
    secrets.every((secret) => secret.length >= 24),
    'secrets are too long to occur by chance',
  );
  for (const secret of secrets) {
    for (const [where, bytes] of outputs) {
      const offset = bytes.indexOf(secret);
      assert.equal(
        offset,
        -1,
        `${where} contains ${secret}: ${bytes.subarray(Math.max(0, offset - 200), offset + 100)}`,
      );
    }
  }
});
