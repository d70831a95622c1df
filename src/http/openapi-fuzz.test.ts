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

const RUNS = 12;

forEachEngine('what the OpenAPI document allows, at its limits and beyond', (engine) => {
  let testServer: TestServer;
  let document: Document;
  let owner: TestPerson;
  let senders: Record<'person' | 'token' | 'key', Readonly<Record<string, string>>>;
  /** Ids to use in bodies: made-up ids are refused before anything else is checked. */
  const existing: Record<string, string> = {};
  const parameters: Record<string, string> = { any: '1', name: 'NAME' };
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    document = (await testServer.call<Document>('/openapi.json')).body;
    owner = await signUpOwner(testServer);
    const token = await createToken(owner, ['all']);
    const key = await createKey(owner, [...PERMISSIONS], { guard: true });
    senders = {
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
    Object.assign(parameters, { project: project.body.id, app: app.body.id });
    Object.assign(existing, { projectId: project.body.id, serverId: created.body.id });
  });
  after(() => testServer.close());

  const pathOf = (path: string) => path.replace(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? 'none_1');

  const existingIn = (body: object) =>
    Object.fromEntries(Object.entries(existing).filter(([field]) => Object.hasOwn(body, field)));

  function senderOf(path: string, { security = [] }: Operation): Readonly<Record<string, string>> {
    if (security.length === 0) return {};
    if (security.some((scheme) => 'session' in scheme)) return senders.person;
    return /guards|introspect/.test(path) ? senders.key : senders.token;
  }

  function expectAnswer(response: TestResponse, operation: Operation, sent: string): void {
    const { status, text } = response;
    const message = `${sent.slice(0, 500)} → ${status} ${text.slice(0, 300)}`;
    assert.ok(status < 500, message);
    assert.ok(String(status) in operation.responses, `not documented: ${message}`);
    if (status >= 400)
      assert.match(response.headers.get('content-type') ?? '', /^application\/(?:problem\+)?json/, message);
  }

  /** Checks that a created resource can be read by its id and matches the response that created it. */
  async function expectReadable(
    path: string,
    headers: Readonly<Record<string, string>>,
    created: unknown,
  ): Promise<void> {
    const { id } = created as { id?: unknown };
    const [own] = Object.keys(document.paths).filter(
      (candidatePath) => candidatePath.startsWith(`${path}/{`) && /^\/\{\w+\}$/.test(candidatePath.slice(path.length)),
    );
    if (typeof id !== 'string' || own === undefined || document.paths[own]?.['get'] === undefined) return;
    const read = await testServer.call<Record<string, unknown>>(`${pathOf(path)}/${id}`, { headers });
    assert.equal(read.status, 200, `${own} ${read.text}`);
    assert.equal(read.body['id'], id);
    assert.equal(read.body['name'], (created as { name?: unknown }).name);
  }

  test('any body is refused or accepted, and what was accepted can be read', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const schema = operation.requestBody?.content['application/json']?.schema;
        // A body without fields has nothing to vary, and many such routes delete what the others need.
        const isBare = (schema as { $ref?: string } | undefined)?.$ref?.endsWith('/NoBody') === true;
        if (schema === undefined || path === '/v1/activity/events' || isBare) continue;
        const headers = senderOf(path, operation);
        const sendOne = async (body: unknown) => {
          const named = typeof body === 'object' && body !== null ? { ...body, ...existingIn(body) } : body;
          const response = await testServer.call(pathOf(path), {
            method: method.toUpperCase(),
            headers,
            body: named ?? null,
          });
          expectAnswer(response, operation, `${method} ${path} ${JSON.stringify(body)}`);
          if (response.status === 201 || response.status === 202) await expectReadable(path, headers, response.body);
        };
        const options = { numRuns: RUNS, endOnFailure: true };
        await fc.assert(fc.asyncProperty(createArbitrary(schema, document.components.schemas), sendOne), options);
      }
    }
    await expectListsReadable();
  });

  test('any event is refused or accepted, and the list of events can be read', async () => {
    const operation = document.paths['/v1/activity/events']?.['post'];
    const schema = document.components.schemas['CloudEvent'];
    assert.ok(operation !== undefined && schema !== undefined);
    const event = createArbitrary(schema, document.components.schemas);
    const headers = { ...senders.token, 'content-type': 'application/json' };
    const sendOne = async (body: unknown) => {
      const text = JSON.stringify(body ?? null);
      const response = await testServer.call('/v1/activity/events', { method: 'POST', headers, body: text });
      expectAnswer(response, operation, text);
    };
    await fc.assert(fc.asyncProperty(fc.oneof(event, fc.array(event, { maxLength: 5 })), sendOne), { numRuns: 60 });
    await expectListsReadable();
  });

  test('any query is refused or answered', async () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const names = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
        if (names.length === 0 || path.endsWith('/logs') || path === '/v1/guards/revocations') continue;
        const query = fc.constantFrom(...names).chain(({ name, schema = {}, example }) => {
          const value = createArbitrary(
            { ...schema, ...(example !== undefined && { examples: [example] }) },
            document.components.schemas,
          );
          return fc.tuple(fc.constant(name), value);
        });
        const send = async ([name, value]: readonly [string, unknown]) => {
          const text = new URLSearchParams([[name, String(value).slice(0, 1_000).toWellFormed()]]).toString();
          const headers = senderOf(path, operation);
          const response = await testServer.call(`${pathOf(path)}?${text}`, { method: method.toUpperCase(), headers });
          expectAnswer(response, operation, `${method} ${path}?${text}`);
        };
        await fc.assert(fc.asyncProperty(query, send), { numRuns: RUNS, endOnFailure: true });
      }
    }
  });

  /**
   * Checks that every list without required parameters, and those of the app, can be read whatever was accepted
   * before.
   */
  async function expectListsReadable(): Promise<void> {
    for (const [path, { get }] of Object.entries(document.paths)) {
      if (get === undefined || path.endsWith('/logs') || path.includes('{id}')) continue;
      const needs = (get.parameters ?? []).some(
        (parameter) => (parameter as { required?: boolean }).required && parameter.in === 'query',
      );
      if (needs || !path.startsWith('/v1/') || path === '/v1/authorize') continue;
      const response = await testServer.call(pathOf(path), { headers: senderOf(path, get) });
      assert.ok(response.status < 500, `GET ${path} → ${response.status} ${response.text.slice(0, 300)}`);
    }
  }
});
