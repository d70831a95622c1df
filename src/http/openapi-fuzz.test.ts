import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { PERMISSIONS } from '../contract/vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createArbitrary, type JsonSchema, type Schemas } from '../testing/schema-arbitrary.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

interface Operation {
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly schema?: JsonSchema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Schemas };
}

const RUNS_PER_OPERATION = 12;

forEachEngine('requests generated from the OpenAPI schemas, valid and invalid', (engine) => {
  let testServer: TestServer;
  let document: Document;
  let owner: TestPerson;
  let headersBySender: Record<'person' | 'token' | 'key', Readonly<Record<string, string>>>;
  /** IDs for request bodies. A body with a made-up ID would be refused before its other fields are checked. */
  const existingIds: Record<string, string> = {};
  const pathParameters: Record<string, string> = { any: '1', name: 'NAME' };
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    document = (await testServer.call<Document>('/openapi.json')).body;
    owner = await signUpOwner(testServer);
    const token = await createToken(owner, ['all']);
    const key = await createKey(owner, [...PERMISSIONS], { guard: true });
    headersBySender = {
      person: { cookie: owner.cookie, origin: testServer.url, 'devpilot-workspace': owner.workspaceId },
      token: bearer(token.secret),
      key: bearer(key.secret),
    };
    const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop', slug: 'shop' } });
    const app = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Shop', projectId: project.body.id } });
    assert.equal(app.status, 201, app.text);
    const server = { name: 'Web', kind: 'ssh', host: '192.0.2.1', user: 'deploy' };
    const created = await owner.call<{ id: string }>('/v1/servers', { body: server });
    assert.equal(created.status, 201, created.text);
    Object.assign(pathParameters, { project: project.body.id, app: app.body.id });
    Object.assign(existingIds, { projectId: project.body.id, serverId: created.body.id });
  });
  after(() => testServer.close());

  const fillPath = (path: string) => path.replace(/\{(\w+)\}/g, (_, name: string) => pathParameters[name] ?? 'none_1');

  /** Returns the existing IDs for those fields of the body that contain IDs. */
  const existingIdsFor = (body: object) =>
    Object.fromEntries(Object.entries(existingIds).filter(([field]) => Object.hasOwn(body, field)));

  function headersFor(path: string, { security = [] }: Operation): Readonly<Record<string, string>> {
    if (security.length === 0) return {};
    if (security.some((scheme) => 'session' in scheme)) return headersBySender.person;
    return /guards|introspect/.test(path) ? headersBySender.key : headersBySender.token;
  }

  function expectDocumentedResponse(response: TestResponse, operation: Operation, request: string): void {
    const { status, text } = response;
    const message = `${request.slice(0, 500)} → ${status} ${text.slice(0, 300)}`;
    assert.ok(status < 500, message);
    assert.ok(String(status) in operation.responses, `not documented: ${message}`);
    if (status >= 400)
      assert.match(response.headers.get('content-type') ?? '', /^application\/(?:problem\+)?json/, message);
  }

  /** Checks that a created resource can be read by its ID and matches the response that created it. */
  async function expectReadable(
    path: string,
    headers: Readonly<Record<string, string>>,
    created: unknown,
  ): Promise<void> {
    const { id } = created as { id?: unknown };
    const [itemPath] = Object.keys(document.paths).filter(
      (candidatePath) => candidatePath.startsWith(`${path}/{`) && /^\/\{\w+\}$/.test(candidatePath.slice(path.length)),
    );
    if (typeof id !== 'string' || itemPath === undefined || document.paths[itemPath]?.['get'] === undefined) return;
    const read = await testServer.call<Record<string, unknown>>(`${fillPath(path)}/${id}`, { headers });
    assert.equal(read.status, 200, `${itemPath} ${read.text}`);
    assert.equal(read.body['id'], id);
    assert.equal(read.body['name'], (created as { name?: unknown }).name);
  }

  test('any body is accepted or refused as documented, and created resources can be read', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const schema = operation.requestBody?.content['application/json']?.schema;
        // Without fields, there is nothing to vary, and many of these routes delete resources that later requests use.
        const hasNoFields = (schema as { $ref?: string } | undefined)?.$ref?.endsWith('/NoBody') === true;
        if (schema === undefined || path === '/v1/activity/events' || hasNoFields) continue;
        const headers = headersFor(path, operation);
        const send = async (body: unknown) => {
          const bodyWithExistingIds =
            typeof body === 'object' && body !== null ? { ...body, ...existingIdsFor(body) } : body;
          const response = await testServer.call(fillPath(path), {
            method: method.toUpperCase(),
            headers,
            body: bodyWithExistingIds ?? null,
          });
          expectDocumentedResponse(response, operation, `${method} ${path} ${JSON.stringify(body)}`);
          if (response.status === 201 || response.status === 202) await expectReadable(path, headers, response.body);
        };
        const options = { numRuns: RUNS_PER_OPERATION, endOnFailure: true };
        await fc.assert(fc.asyncProperty(createArbitrary(schema, document.components.schemas), send), options);
      }
    }
    await expectListsReadable();
  });

  test('any activity event is accepted or refused as documented, and lists can still be read', async () => {
    const operation = document.paths['/v1/activity/events']?.['post'];
    const schema = document.components.schemas['CloudEvent'];
    assert.ok(operation !== undefined && schema !== undefined);
    const event = createArbitrary(schema, document.components.schemas);
    const headers = { ...headersBySender.token, 'content-type': 'application/json' };
    const send = async (body: unknown) => {
      const text = JSON.stringify(body ?? null);
      const response = await testServer.call('/v1/activity/events', { method: 'POST', headers, body: text });
      expectDocumentedResponse(response, operation, text);
    };
    await fc.assert(fc.asyncProperty(fc.oneof(event, fc.array(event, { maxLength: 5 })), send), { numRuns: 60 });
    await expectListsReadable();
  });

  test('any value of a query parameter is accepted or refused as documented', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const queryParameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
        if (queryParameters.length === 0 || path.endsWith('/logs') || path === '/v1/guards/revocations') continue;
        const query = fc.constantFrom(...queryParameters).chain(({ name, schema = {}, example }) => {
          const value = createArbitrary(
            { ...schema, ...(example !== undefined && { examples: [example] }) },
            document.components.schemas,
          );
          return fc.tuple(fc.constant(name), value);
        });
        const send = async ([name, value]: readonly [string, unknown]) => {
          const text = new URLSearchParams([[name, String(value).slice(0, 1_000).toWellFormed()]]).toString();
          const headers = headersFor(path, operation);
          const response = await testServer.call(`${fillPath(path)}?${text}`, {
            method: method.toUpperCase(),
            headers,
          });
          expectDocumentedResponse(response, operation, `${method} ${path}?${text}`);
        };
        await fc.assert(fc.asyncProperty(query, send), { numRuns: RUNS_PER_OPERATION, endOnFailure: true });
      }
    }
  });

  /**
   * Checks that no GET operation of the API has a server error. Logs, `/v1/authorize` and operations that need an
   * `{id}` or a query parameter are left out.
   */
  async function expectListsReadable(): Promise<void> {
    for (const [path, { get }] of Object.entries(document.paths)) {
      if (get === undefined || path.endsWith('/logs') || path.includes('{id}')) continue;
      const needsQuery = (get.parameters ?? []).some(
        (parameter) => (parameter as { required?: boolean }).required && parameter.in === 'query',
      );
      if (needsQuery || !path.startsWith('/v1/') || path === '/v1/authorize') continue;
      const response = await testServer.call(fillPath(path), { headers: headersFor(path, get) });
      assert.ok(response.status < 500, `GET ${path} → ${response.status} ${response.text.slice(0, 300)}`);
    }
  }
});
