import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SECRET_PREFIXES } from '../contract/vocabulary.ts';
import { compareFacts, extractFacts, readSnapshot } from '../testing/openapi-facts.ts';
import { type Finding, lintDocument, type OpenApiDocument } from '../testing/openapi-rules.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { OPERATION_IDS } from './operation-ids.ts';
import { routeTable } from './route-table.ts';

/** Rules that the document does not follow, each with the reason. `location` limits an exception to some operations. */
const EXCEPTIONS: readonly { readonly rule: string; readonly location: RegExp; readonly reason: string }[] = [
  {
    rule: 'no-http-basic',
    location: /^document$/,
    reason: 'RFC 7662 clients and curl -u send credentials this way, and secrets have 238 random bits',
  },
  { rule: 'no-trailing-slash', location: /\/api\//, reason: 'Sentry SDKs post to exactly this address' },
  {
    rule: 'success-response',
    location: /access-tokens\/\{id\}/,
    reason: 'PATCH and PUT are documented because they are refused: tokens are immutable',
  },
  {
    rule: 'writes-restricted',
    location: /people|password-resets|sessions|device|oauth|\/oidc\/|revoke|leaks|access-tokens\/\{id\}/,
    reason: 'signing in, and revoking and reporting by secret, need no principal',
  },
  {
    rule: 'writes-restricted',
    location: /\/api\/|\/push$|options/,
    reason:
      'errors are submitted with an error key, which is not a credential, pushes are signed, and OPTIONS changes nothing',
  },
  {
    rule: 'reads-restricted',
    location: /healthz|readyz|well-known|\/oidc\//,
    reason: 'health checks, discovery and sign-in pages are requested without a credential',
  },
  {
    rule: 'error-401',
    location:
      /people|password-resets|sessions|device|oauth|\/oidc\/|revoke|leaks|healthz|readyz|well-known|access-tokens\/\{id\}|options/,
    reason: 'these require no session, access token or API key',
  },
  { rule: 'error-500', location: /authorize|healthz|readyz/, reason: 'these respond with 503 instead' },
  {
    rule: 'error-429',
    location: /authorize|healthz|readyz/,
    reason: 'proxies accept only 200, 401, 403 and 503; health checks are not limited',
  },
  {
    rule: 'error-validation',
    location: /authorize|healthz|readyz/,
    reason: 'an invalid request is refused with 401 or 403',
  },
];

let testServer: TestServer;
let document: OpenApiDocument;
before(async () => {
  testServer = await startTestServer();
  document = (await testServer.call<typeof document>('/openapi.json')).body;
});
after(() => testServer.close());

test('the document is OpenAPI 3.1 and follows the rules, except those listed here', async () => {
  const findings = await lintDocument(document);
  const isExcepted = ({ rule, location }: Finding) =>
    EXCEPTIONS.some((exception) => exception.rule === rule && exception.location.test(location));
  assert.deepEqual(
    findings.filter((finding) => !isExcepted(finding)).map(({ rule, location }) => `${rule}: ${location}`),
    [],
  );
  const unused = EXCEPTIONS.filter(
    (exception) => !findings.some(({ rule, location }) => exception.rule === rule && exception.location.test(location)),
  );
  assert.deepEqual(unused, [], 'every exception is needed');
});

test('every route of the table is in the document, with a security scheme unless it is public', () => {
  for (const { method, url, access } of routeTable({} as never)) {
    const path = url.replace(/:([A-Za-z]+)/g, '{$1}');
    const operation = document.paths[path]?.[String(method).toLowerCase()];
    assert.ok(operation, `${String(method)} ${path}`);
    const schemes = (operation.security ?? []) as unknown[];
    assert.equal(schemes.length === 0, 'public' in access, `${String(method)} ${path}`);
  }
});

test('every operation ID is a dotted SDK method name, and each declared ID belongs to a route', () => {
  const operations = Object.values(document.paths).flatMap(Object.values) as { operationId: string }[];
  for (const { operationId } of operations) assert.match(operationId, /^[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)+$/);
  const routes = new Set(routeTable({} as never).map(({ method, url }) => `${String(method)} ${url}`));
  assert.deepEqual(
    Object.keys(OPERATION_IDS).filter((route) => !routes.has(route)),
    [],
  );
});

test('the document is compatible with the snapshot, and the snapshot contains every addition', () => {
  const { breaking, compatible } = compareFacts(readSnapshot(), extractFacts(document));
  assert.deepEqual(breaking, [], 'run `bin/node scripts/openapi-snapshot.ts` to see what to do');
  assert.deepEqual(compatible, [], 'run `bin/node scripts/openapi-snapshot.ts` and commit docs/openapi-snapshot.txt');
});

test('query parameters have numeric and boolean types, not only strings', () => {
  const parameters = document.paths['/v1/access-tokens']?.['get']?.parameters ?? [];
  const schemaOf = (name: string) => parameters.find((parameter) => parameter.name === name)?.schema;
  assert.deepEqual(schemaOf('limit'), { type: 'integer', minimum: 1, maximum: 200, default: 50, format: 'int64' });
  assert.deepEqual(schemaOf('neverExpires'), { type: 'boolean' });
});

test('the first security scheme is bearer, which every kind of principal can use', () => {
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, { security = [] }] of Object.entries(operations))
      if (security.length > 0) assert.deepEqual(security[0], { bearer: [] }, `${method} ${path}`);
});

test('the document is compressed and has an ETag', async () => {
  const url = `${testServer.url}/openapi.json`;
  const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
  const etag = response.headers.get('etag') ?? '';
  assert.equal(response.headers.get('content-encoding'), 'gzip');
  assert.deepEqual(await response.json(), document);
  const unchanged = await fetch(url, { headers: { 'if-none-match': `"outdated", ${etag}` } });
  assert.deepEqual([unchanged.status, await unchanged.text()], [304, '']);
  const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.deepEqual(await plain.json(), document);
});

test('every log route has the same query parameters and responds with NDJSON', () => {
  const logs = Object.keys(document.paths).filter((path) => path.endsWith('/logs'));
  assert.ok(logs.length >= 3);
  for (const path of logs) {
    const operation = document.paths[path]?.['get'];
    assert.deepEqual(Object.keys(operation?.responses['200']?.content ?? {}), ['application/x-ndjson'], path);
    const query = operation?.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    assert.deepEqual(query, ['from', 'q', 'partial', 'follow'], path);
  }
});

test('the example of a secret starts with the prefix of its credential kind', () => {
  for (const [path, prefix] of [
    ['/v1/access-tokens', SECRET_PREFIXES.access_token],
    ['/v1/api-keys', SECRET_PREFIXES.api_key],
  ] as const) {
    const [, example] = /"secret":"([^"]+)"/.exec(JSON.stringify(document.paths[path]?.['post'])) ?? [];
    assert.equal(example, `${prefix}… (shown once)`, path);
  }
});

test('the API reference page loads nothing from another origin', async () => {
  const page = await testServer.call('/docs');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.doesNotMatch(page.text, /https?:\/\//);
  for (const file of ['/docs/scalar.js', '/docs/start.js', '/docs/style.css']) {
    assert.equal((await testServer.call(file)).status, 200, file);
  }
});

test('an error code has a page, and an unknown code has none', async () => {
  const page = await testServer.call('/docs/problems/insufficient_scope');
  assert.equal(page.status, 200);
  assert.match(page.text, /insufficient_scope/);
  assert.equal((await testServer.call('/docs/problems/nothing')).status, 404);
});
