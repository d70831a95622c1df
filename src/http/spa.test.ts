import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fastify, { type FastifyInstance } from 'fastify';
import { PAGE_ROUTES } from '../contract/page-routes.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { registerSpa, wantsPage } from './spa.ts';

describe('web UI', () => {
  const directory = `${temporaryDirectory()}/`;
  let app: FastifyInstance;
  let isSetUp = true;
  before(async () => {
    mkdirSync(`${directory}assets`);
    writeFileSync(
      `${directory}index.html`,
      '<meta property="csp-nonce" nonce="%NONCE%"><i>%LOCAL_SERVER% %SETUP%</i><b class="%LAYOUT%">100%</b>',
    );
    writeFileSync(`${directory}secret.js`, 'not to be served');
    writeFileSync(`${directory}assets/main-abc.js`, 'plain');
    writeFileSync(`${directory}assets/icon-abc.svg`, '<svg/>');
    writeFileSync(`${directory}assets/main-abc.js.br`, 'brotli');
    writeFileSync(`${directory}assets/main-abc.js.gz`, 'gzip');
    app = fastify();
    const sendNotFoundPage = registerSpa(app, { allowLocalServers: true, isSetUp: async () => isSetUp, directory });
    app.setNotFoundHandler((request, reply) =>
      wantsPage(request) ? sendNotFoundPage(reply) : reply.code(404).send({ error: 'none' }),
    );
    await app.ready();
  });
  after(() => app.close());

  // OWASP ASVS 5.0, requirements 3.4.1 to 3.4.8
  test('each page has a security policy with a new nonce and without inline scripts or other origins', async () => {
    const responses = await Promise.all([app.inject('/'), app.inject('/settings/access-tokens')]);
    const nonces = responses.map(({ headers, body, statusCode }) => {
      assert.equal(statusCode, 200);
      const policy = String(headers['content-security-policy']);
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
      assert.equal(body, `<meta property="csp-nonce" nonce="${nonce}"><i>on done</i><b class="centered">100%</b>`);
      assert.match(policy, /script-src 'self';/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|http|\*/);
      assert.equal(headers['cache-control'], 'no-store');
      return nonce;
    });
    assert.equal(new Set(nonces).size, 2);
  });

  test('the web UI is served at each of its paths and at no other path', async () => {
    for (const path of PAGE_ROUTES) {
      const response = await app.inject(path.replaceAll('$', 'any-'));
      assert.equal(response.statusCode, 200, path);
      assert.match(String(response.headers['content-type']), /^text\/html/);
    }
    for (const path of ['/unknown', '/settings/unknown', '/apps/shop/unknown']) {
      assert.equal((await app.inject(path)).statusCode, 404, path);
    }
  });

  test('every page redirects to the setup page until someone has signed up', async () => {
    isSetUp = false;
    try {
      for (const path of PAGE_ROUTES) {
        const { statusCode, headers, body } = await app.inject(path.replaceAll('$', 'any-'));
        if (path === '/setup') assert.match(body, /<i>on pending</);
        else assert.deepEqual([statusCode, headers['location'], headers['cache-control']], [303, '/setup', 'no-store']);
      }
    } finally {
      isSetUp = true;
    }
  });

  test('the initial layout contains the navigation for a signed-in person, except on pages without navigation', async () => {
    for (const [path, cookie, layout] of [
      ['/apps/shop', 'devpilot=x', 'shell'],
      ['/', 'other=1; __Host-devpilot=x', 'shell'],
      ['/', 'devpilot-theme=x', 'centered'],
      ['/device', 'devpilot=x', 'centered'],
    ] as const) {
      const { body } = await app.inject({ url: path, headers: { cookie } });
      assert.match(body, new RegExp(`<b class="${layout}">`), `${path} ${cookie}`);
    }
  });

  test('assets are immutable, and precompressed if the client accepts it', async () => {
    for (const [accepted, encoding, body] of [
      ['gzip, deflate, br', 'br', 'brotli'],
      ['gzip', 'gzip', 'gzip'],
      ['br;q=0, gzip;q=0.5', 'gzip', 'gzip'],
      ['identity', undefined, 'plain'],
      ['*', 'br', 'brotli'],
      ['br;q=0, *', 'gzip', 'gzip'],
      ['*, BR ; Q=0.000', 'gzip', 'gzip'],
      ['GZIP', 'gzip', 'gzip'],
      ['br;q=0, gzip;q=0, *', undefined, 'plain'],
    ] as const) {
      const response = await app.inject({ url: '/assets/main-abc.js', headers: { 'accept-encoding': accepted } });
      assert.equal(response.body, body);
      assert.equal(response.headers['content-encoding'], encoding);
      assert.equal(response.headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.equal(response.headers['vary'], 'accept-encoding');
      assert.equal(response.headers['content-type'], 'text/javascript; charset=utf-8');
    }
    const { headers, body } = await app.inject('/assets/main-abc.js');
    assert.deepEqual([headers['content-encoding'], body], [undefined, 'plain'], 'without Accept-Encoding');
    const icon = await app.inject({ url: '/assets/icon-abc.svg', headers: { 'accept-encoding': 'br, gzip' } });
    assert.deepEqual([icon.headers['content-encoding'], icon.body], [undefined, '<svg/>'], 'without compressed copies');
    const head = await app.inject({ method: 'HEAD', url: '/assets/main-abc.js' });
    assert.deepEqual([head.statusCode, head.headers['content-length'], head.body], [200, '5', '']);
    assert.equal(head.headers['cross-origin-resource-policy'], 'same-origin');
  });

  test('an unknown URL gets 404: with the web UI for a browser, without it for programs and below /v1, /api and /assets', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const response = await app.inject({ url: '/settings/unknown', headers: { accept } });
    assert.equal(response.statusCode, 404);
    assert.match(response.body, /^<meta property="csp-nonce"/);
    assert.match(String(response.headers['content-security-policy']), /'nonce-/);
    for (const [url, accepted] of [
      ['/settings/unknown', '*/*'],
      ['/settings/unknown', 'application/json'],
      ['/v1/unknown', accept],
      ['/api/unknown', accept],
      ['/assets/unknown.js', accept],
    ] as const) {
      const refused = await app.inject({ url, headers: { accept: accepted } });
      assert.equal(refused.statusCode, 404, url);
      assert.doesNotMatch(String(refused.headers['content-type']), /html/, url);
    }
  });

  test('neither a file outside the assets nor a compressed copy of an asset can be requested', async () => {
    for (const url of [
      '/assets/..%2fsecret.js',
      '/assets/../secret.js',
      '/assets/%2e%2e%2fsecret.js',
      '/assets/..%5csecret.js',
      '/assets/main-abc.js%00.css',
      '/assets/main-abc.js.br',
      '/assets/',
      '/assets/none.js',
      '/secret.js',
    ]) {
      const { statusCode, body } = await app.inject(url);
      assert.ok(statusCode === 404 || statusCode === 400, `${url}: ${statusCode}`);
      assert.doesNotMatch(body, /not to be served/);
    }
  });

  test('if the web UI is not built, the response says how to build it', async () => {
    const unbuiltApp = fastify();
    registerSpa(unbuiltApp, { allowLocalServers: false, isSetUp: async () => true, directory: `${directory}nowhere/` });
    const response = await unbuiltApp.inject('/settings/api-keys');
    assert.equal(response.statusCode, 503);
    assert.match(response.body, /npm run build/);
    await unbuiltApp.close();
  });
});
