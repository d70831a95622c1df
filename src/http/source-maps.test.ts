import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { readSourceMapPairs } from '../cli/source-map-files.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { ErrorEvent, ErrorIssue, ErrorKey, SourceMap } from '../contract/errors.ts';
import type { Page } from '../contract/paging.ts';
import { createClient } from '../sdk/client.ts';
import { forEachEngine } from '../testing/engines.ts';
import { installLocked } from '../testing/registry.ts';
import { runProgram } from '../testing/run-program.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const DEBUG_ID = '8f3c2a1b-0000-4000-8000-0000000000ab';
const FILE = 'https://shop.example.com/app.js';
/** Maps line 1 of the file, from column 1 on, to `placeOrder` in line 2 of the source. */
const MAP = {
  version: 3,
  sources: ['webpack://shop/./src/orders.ts'],
  sourcesContent: ['function placeOrder() {\n  throw new Error();\n}'],
  names: ['placeOrder'],
  mappings: 'AACEA',
};
const frames = ['b', 'a'].map((name) => ({ function: name, abs_path: FILE, filename: FILE, lineno: 1, colno: 700 }));
const event = {
  exception: [{ type: 'TypeError', value: 'x', stacktrace: { frames } }],
  debug_meta: { images: [{ type: 'sourcemap', code_file: FILE, debug_id: DEBUG_ID }] },
};

async function createApp(person: TestPerson, name: string): Promise<{ id: string; slug: string }> {
  const project = await person.call<{ id: string }>('/v1/projects', { body: { name: `Project ${name}` } });
  const app = await person.call<{ id: string; slug: string }>('/v1/apps', {
    body: { name, projectId: project.body.id },
  });
  assert.equal(app.status, 201, app.text);
  return app.body;
}

forEachEngine('source maps', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const uploadPath = (query: object) =>
    `/v1/errors/source-maps?${new URLSearchParams({ file: 'app.js', debugId: DEBUG_ID, ...query })}`;
  const upload = <Body = SourceMap>(
    secret: string,
    query: object,
    body: string | Uint8Array = JSON.stringify(MAP),
    headers = {},
  ) => testServer.call<Body>(uploadPath(query), { method: 'POST', body, headers: { ...bearer(secret), ...headers } });

  /** Reports an error of an app, or of no app if `app` is null. Returns the frames that are shown. */
  async function reportAndReadFrames(person: TestPerson, app: string | null): Promise<ErrorEvent['frames']> {
    const key = await person.call<ErrorKey>('/v1/errors/keys', { body: { name: 'Shop', app } });
    const { publicKey } = key.body;
    const body = JSON.stringify(event);
    const response = await testServer.call(`/api/1/store/?sentry_key=${publicKey}`, { method: 'POST', body });
    assert.equal(response.status, 200, response.text);
    const issues = await person.call<Page<ErrorIssue>>('/v1/errors/issues');
    const issue = issues.body.data.find((candidate) => candidate.app === app);
    const events = await person.call<Page<ErrorEvent>>(`/v1/errors/issues/${issue?.id}/events`);
    return events.body.data[0]?.frames ?? [];
  }

  test('source maps are applied to the frames of their app until they are deleted; the reported frames are kept', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Mapped');
    const [app, otherApp] = [await createApp(person, 'Till'), await createApp(person, 'Desk')];
    const token = await createToken(person, ['error_tracker']);
    const key = await createKey(person, ['manage_apps']);
    assert.equal((await upload(key.secret, { app: app.slug })).status, 201);
    const compressed = await upload(token.secret, { app: app.id }, gzipSync(JSON.stringify(MAP)), {
      'content-encoding': 'gzip',
    });
    assert.equal(compressed.status, 201, compressed.text);
    const { id, bytes, createdAt, ...fields } = compressed.body;
    assert.deepEqual(fields, { app: app.slug, debugId: DEBUG_ID, file: 'app.js' });
    assert.ok(bytes > 50 && createdAt !== '');
    const list = await person.call<Page<SourceMap>>('/v1/errors/source-maps');
    assert.deepEqual(
      list.body.data.map((map) => map.id),
      [id],
      'an upload replaces the map with the same debug ID',
    );

    const generated = { function: 'a', file: FILE, line: 1, column: 700 };
    const context = { firstLine: 1, lines: ['function placeOrder() {', '  throw new Error();', '}'] };
    const original = { file: 'src/orders.ts', line: 2, column: 3, module: null, inApp: true, context };
    assert.deepEqual(await reportAndReadFrames(person, app.slug), [
      { ...original, function: 'placeOrder', generated },
      { ...original, function: 'b', generated: { ...generated, function: 'b' } },
    ]);
    assert.deepEqual(
      (await reportAndReadFrames(person, null))[0]?.file,
      'src/orders.ts',
      'events without an app use the maps of every app',
    );
    const reported = { ...generated, module: null, inApp: true, context: null, generated: null };
    assert.deepEqual((await reportAndReadFrames(person, otherApp.slug))[0], reported);

    assert.equal((await person.call(`/v1/errors/source-maps/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await person.call(`/v1/errors/source-maps/${id}`, { method: 'DELETE' })).status, 404);
    assert.deepEqual((await reportAndReadFrames(person, app.slug))[0], reported);
    const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    assert.deepEqual(
      log.body.data.map(({ action, actor }) => [action, actor.kind]),
      [
        ['source_map.deleted', 'person'],
        ['source_map.uploaded', 'access_token'],
      ],
    );
  });

  test('if reading source maps takes too long, the reported frames are shown', async (context) => {
    const person = await createWorkspaceFor(owner, testServer, 'Slow');
    const app = await createApp(person, 'Till');
    const { secret } = await createToken(person, ['error_tracker']);
    assert.equal((await upload(secret, { app: app.slug })).status, 201);
    let now = performance.now();
    // Each call is a minute after the previous one, so the time limit has passed when the maps are read.
    const clock = context.mock.method(performance, 'now', () => (now += 60_000));
    assert.equal((await reportAndReadFrames(person, app.slug))[0]?.file, FILE, 'shown as reported');
    clock.mock.restore();
    assert.equal((await reportAndReadFrames(person, app.slug))[0]?.file, 'src/orders.ts');
  });

  test('invalid source maps are refused, and valid ones are deleted with their app', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Refusing');
    const app = await createApp(person, 'Till');
    const { secret } = await createToken(person, ['error_tracker']);
    const query = { app: app.slug };
    for (const [body, headers, status, field] of [
      ['{', {}, 422, 'body'],
      ['[]', {}, 422, 'body'],
      ['', {}, 422, 'body'],
      [JSON.stringify({ ...MAP, mappings: '!' }), {}, 422, 'body'],
      [JSON.stringify({ ...MAP, debugId: DEBUG_ID.replace('8f', '9f') }), {}, 422, 'debugId'],
      [gzipSync(Buffer.alloc(41 * 1_048_576, 32)), { 'content-encoding': 'gzip' }, 413, null],
      ['x', { 'content-encoding': 'compress' }, 415, null],
    ] as const) {
      const refused = await upload<{ errors?: { field: string }[] }>(secret, query, body, headers);
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field ?? null], [status, field], refused.text);
    }
    for (const invalidQuery of [
      { app: 'nothing' },
      { ...query, debugId: 'x'.repeat(32) },
      { ...query, debugId: 'x' },
      { ...query, unknown: '1' },
    ]) {
      assert.equal((await upload(secret, invalidQuery)).status, 422, JSON.stringify(invalidQuery));
    }
    assert.equal((await upload(secret, query)).status, 201);
    assert.equal((await person.call(`/v1/apps/${app.id}`, { method: 'DELETE' })).status, 204);
    assert.deepEqual((await person.call<Page<SourceMap>>('/v1/errors/source-maps')).body.data, []);
  });

  // Skipped on PostgreSQL, where a thousand uploads take too long. Every upload runs the same query there.
  test('source maps of one app do not evict source maps of other apps', {
    skip: engine.name === 'postgres',
  }, async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Maps');
    const [quiet, noisy] = [await createApp(person, 'Quiet'), await createApp(person, 'Noisy')];
    const { secret } = await createKey(person, ['write', 'manage_apps']);
    const uploadNumber = async (app: string, number: number) => {
      const debugId = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      const { status, text } = await upload(secret, { app, debugId });
      assert.equal(status, 201, text);
    };
    await uploadNumber(quiet.slug, 1);
    for (let number = 2; number <= 1_002; number += 6)
      await Promise.all(Array.from({ length: 6 }, (_, offset) => uploadNumber(noisy.slug, number + offset)));
    const { data } = (await person.call<Page<SourceMap>>(`/v1/errors/source-maps?app=${quiet.slug}`)).body;
    assert.equal(data.length, 1);
    let [count, cursor] = [0, ''];
    do {
      const page = (await person.call<Page<SourceMap>>(`/v1/errors/source-maps?limit=200${cursor}`)).body;
      count += page.data.length;
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    assert.equal(count, 1_000);
  });

  test('a restricted token has access to source maps of its apps only, a token of another workspace to none of them, and members cannot list them', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Apart');
    const [app, otherApp] = [await createApp(person, 'Till'), await createApp(person, 'Desk')];
    const unrestricted = await createToken(person, ['error_tracker']);
    const restricted = await createToken(person, ['error_tracker'], { restrictions: { apps: [app.id] } });
    const { id } = (await upload(unrestricted.secret, { app: otherApp.slug })).body;
    assert.equal((await upload(restricted.secret, { app: otherApp.slug })).status, 422);
    assert.equal((await upload(restricted.secret, { app: app.slug })).status, 201);
    const otherWorkspaceToken = await createToken(owner, ['all']);
    for (const [secret, count] of [
      [unrestricted.secret, 2],
      [restricted.secret, 1],
      [otherWorkspaceToken.secret, 0],
    ] as const) {
      const list = await testServer.call<Page<SourceMap>>('/v1/errors/source-maps', { headers: bearer(secret) });
      assert.equal(list.body.data.length, count);
    }
    for (const secret of [restricted.secret, otherWorkspaceToken.secret]) {
      const path = `/v1/errors/source-maps/${id}`;
      assert.equal((await testServer.call(path, { method: 'DELETE', headers: bearer(secret) })).status, 404);
    }
    const member = await signUpMember(testServer, person, 'member', `mia-${engine.name}@example.com`);
    assert.equal((await member.call('/v1/errors/source-maps')).status, 403);
  });
});

test('errors of a minified bundle are shown with the original source once its source map is uploaded', async (context) => {
  const sdk = fileURLToPath(new URL('../testing/sentry-sdk', import.meta.url));
  try {
    await installLocked(sdk);
  } catch (error) {
    return context.skip(`the SDK could not be installed: ${String(error)}`);
  }
  const directory = temporaryDirectory();
  const testServer = await startTestServer();
  try {
    const owner = await signUpOwner(testServer);
    const app = await createApp(owner, 'Shop');
    const key = await owner.call<ErrorKey>('/v1/errors/keys', { body: { name: 'Shop', app: app.slug } });
    const source = `interface Order { readonly total: number }
function chargeCustomer(order: Order): number {
  if (order.total > 0) throw new TypeError('order is undefined');
  return order.total;
}
function placeOrder(total: number): number {
  return chargeCustomer({ total }) + chargeCustomer({ total: 0 });
}
export function run(): void {
  placeOrder(Number(process.argv.length));
}
`;
    writeFileSync(join(directory, 'orders.ts'), source);
    const bundle = join(directory, 'dist', 'shop.js');
    await build({
      root: directory,
      configFile: false,
      logLevel: 'silent',
      build: { lib: { entry: 'orders.ts', formats: ['es'], fileName: () => 'shop.js' }, minify: true, sourcemap: true },
    });
    const pairs = readSourceMapPairs(join(directory, 'dist'), { inject: true });
    assert.deepEqual(
      pairs.map(({ file, injected }) => [file, injected]),
      [['shop.js', true]],
    );
    assert.deepEqual(
      readSourceMapPairs(join(directory, 'dist'), { inject: true }).map(({ debugId, injected }) => [debugId, injected]),
      pairs.map(({ debugId }) => [debugId, false]),
      'a second call injects nothing',
    );
    assert.match(
      readFileSync(bundle, 'utf8'),
      /^;\(function.*\n[\s\S]*\/\/# debugId=[0-9a-f-]{36}\n\/\/# sourceMappingURL=shop\.js\.map/,
    );
    const token = await createToken(owner, ['error_tracker']);
    const client = createClient({ url: testServer.url, credential: token.secret });
    for (const { file, debugId, map } of pairs) {
      await client.errors.sourceMaps.upload({ app: app.slug, debugId, file }, gzipSync(map));
    }
    const program = `
      import * as Sentry from '@sentry/node';
      Sentry.init({ dsn: '${key.body.dsn}' });
      const { run } = await import('${bundle}');
      try { run(); } catch (error) { Sentry.captureException(error); }
      if (!(await Sentry.flush(10_000))) throw new Error('not flushed');
    `;
    await runProgram(process.execPath, ['--input-type=module', '-e', program], sdk);
    const issues = await owner.call<Page<ErrorIssue>>('/v1/errors/issues');
    const events = await owner.call<Page<ErrorEvent>>(`/v1/errors/issues/${issues.body.data[0]?.id}/events`);
    const [frame] = events.body.data[0]?.frames ?? [];
    assert.deepEqual([frame?.file, frame?.line], ['orders.ts', 3], JSON.stringify(events.body.data[0]?.frames));
    assert.match(frame?.context?.lines.join('\n') ?? '', /throw new TypeError\('order is undefined'\)/);
    assert.match(frame?.generated?.file ?? '', /shop\.js$/);
  } finally {
    await testServer.close();
  }
});
