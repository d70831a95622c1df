import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bearer, createKey, createToken, signUpOwner, startHouse } from '../testing/house.ts';
import { createClient, DevpilotError } from './client.ts';
import { waitBeforeRetry } from './transport.ts';

const SECRET = `workspace_token_${'a'.repeat(46)}`;
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

/** A fetch that gives these answers in turn and keeps what it was asked. */
function answering(...answers: (Response | Error)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const send = (async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    const next = answers.shift();
    if (next === undefined) throw new Error('no answer left');
    if (next instanceof Error) throw next;
    return next;
  }) as typeof fetch;
  return { asked, send };
}

const failing = (code: string, status: number, retryAfter?: number) =>
  json(
    status,
    { code, detail: 'No.', requestId: 'r1' },
    retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
  );

describe('The client against a server', () => {
  test('lists page by page, creates, judges and deletes', async () => {
    const house = await startHouse();
    try {
      const ada = await signUpOwner(house);
      const session = ada.cookie.split('=')[1] ?? '';
      const devpilot = createClient({ url: `${house.url}/`, credential: session, workspace: ada.workspaceId });
      for (const name of ['One', 'Two', 'Three'].map((word) => `Token ${word}`)) {
        await createToken(ada, ['run_scripts'], { name });
      }
      const names: string[] = [];
      for await (const { name } of devpilot.accessTokens.all({ limit: 1, sort: 'createdAt' })) names.push(name);
      assert.deepEqual(names, ['Token One', 'Token Two', 'Token Three']);

      const made = await devpilot.accessTokens.create({ name: 'From the SDK', scopes: ['modify_env'] });
      const holder = createClient({ url: house.url, credential: made.secret });
      assert.deepEqual((await holder.whoami()).rights.scopes, ['modify_env']);
      const key = await createKey(ada, ['read']);
      const asking = createClient({ url: house.url, credential: key.secret });
      assert.equal((await asking.introspect({ token: made.secret })).active, true);
      await devpilot.accessTokens.delete(made.id);
      assert.equal((await house.call('/v1/whoami', { headers: bearer(made.secret) })).status, 401);

      await assert.rejects(devpilot.accessTokens.create({ name: 'ab', scopes: [] as never }), (error: unknown) => {
        assert.ok(error instanceof DevpilotError);
        assert.equal(error.code, 'validation_failed');
        assert.deepEqual(error.errors.map(({ field }) => field).sort(), ['name', 'scopes']);
        assert.ok(error.requestId);
        return true;
      });
      const exported = await new Response(await devpilot.auditEvents.export()).text();
      assert.match(exported, /"action":"access_token.created"/);
    } finally {
      await house.close();
    }
  });
});

describe('Trying again', () => {
  test('a GET is tried again after silence and 503, and then answers', async () => {
    const { asked, send } = answering(new TypeError('down'), failing('unavailable', 503, 0), json(200, { id: 'x' }));
    assert.deepEqual(await createClient({ fetch: send }).me.get(), { id: 'x' });
    assert.equal(asked.length, 3);
  });

  test('a POST is not, unless the server says that it did not get to it', async () => {
    const lost = answering(new TypeError('down'));
    await assert.rejects(createClient({ fetch: lost.send }).workspaces.create({ name: 'Acme' }), {
      code: 'unreachable',
    });
    assert.equal(lost.asked.length, 1);
    const limited = answering(failing('rate_limited', 429, 0), json(201, { id: 'w' }));
    assert.deepEqual(await createClient({ fetch: limited.send }).workspaces.create({ name: 'Acme' }), { id: 'w' });
  });

  test('the waits are jittered, grow, honour Retry-After, and are never long', () => {
    const error = (status: number, retryAfter?: number) =>
      new DevpilotError('unavailable', 'No.', { status, retryAfter });
    assert.equal(waitBeforeRetry('GET', error(0), 0, 0), 125);
    assert.equal(waitBeforeRetry('GET', error(0), 1, 0.5), 500);
    assert.equal(waitBeforeRetry('GET', error(503, 2), 0, 0), 2125);
    assert.equal(waitBeforeRetry('GET', error(429, 900), 0, 0), null);
    assert.equal(waitBeforeRetry('GET', error(429), 0, 0), null);
    assert.equal(waitBeforeRetry('GET', error(404), 0, 0), null);
    assert.equal(waitBeforeRetry('DELETE', error(503, 1), 0, 0), null);
  });

  test('stops at the caller’s signal and says when time is up', async () => {
    const never = ((_url: string, init: RequestInit) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      })) as typeof fetch;
    const client = createClient({ fetch: never, retries: 0 });
    await assert.rejects(client.me.get({ timeout: 5 }), { code: 'timed_out' });
    const controller = new AbortController();
    const asked = client.me.get({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(asked, { message: 'enough' });
  });
});

describe('What travels', () => {
  test('workspace, credential, passphrase as UTF-8 bytes, and ids that can not leave their place', async () => {
    const { asked, send } = answering(json(200, {}));
    const client = createClient({
      url: 'https://devpilot.example.com',
      credential: SECRET,
      passphrase: 'grün',
      workspace: 'acme',
      fetch: send,
    });
    await client.apiKeys.get('../people?x=1');
    const headers = new Headers(asked[0]?.init.headers);
    assert.equal(asked[0]?.url, 'https://devpilot.example.com/v1/api-keys/..%2Fpeople%3Fx%3D1');
    assert.equal(headers.get('authorization'), `Bearer ${SECRET}`);
    assert.equal(headers.get('devpilot-workspace'), 'acme');
    assert.equal(headers.get('access-token-passphrase'), 'gr\u00c3\u00bcn');
  });

  test('no error ever holds a secret, and a stranger’s answer is told apart', async () => {
    const { send } = answering(json(401, { code: 'invalid_token', detail: `${SECRET} is not valid`, requestId: 'r' }));
    await assert.rejects(createClient({ credential: SECRET, fetch: send }).whoami(), (error: unknown) => {
      assert.ok(error instanceof DevpilotError);
      assert.equal(error.message, '[secret] is not valid');
      assert.ok(!JSON.stringify(error).includes(SECRET) && !String(error.stack).includes(SECRET));
      return true;
    });
    const html = answering(new Response('<html>', { status: 404 }));
    await assert.rejects(createClient({ fetch: html.send }).whoami(), { code: 'unexpected_answer', status: 404 });
  });
});
