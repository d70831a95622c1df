import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installLockedOrSkip } from '../src/testing/registry.ts';
import { bearer, createKey, signUpOwner, startTestServer } from '../src/testing/test-server.ts';

type Json = Readonly<Record<string, unknown>>;
/** A resource as HashiCorp's parser returns it; `jsonencode(…)` is not evaluated. */
interface Resource {
  readonly path: string;
  readonly ignore_server_additions: boolean;
  readonly data: string;
  readonly update_data?: string;
}
interface Configuration {
  readonly provider: { readonly restapi: readonly Json[] };
  readonly resource: { readonly restapi_object: Readonly<Record<string, readonly Resource[]>> };
}

interface Parser {
  parse(file: string, text: string): Promise<Configuration>;
}

const tools = fileURLToPath(new URL('../src/testing/hcl-parser', import.meta.url));
const guide = readFileSync(new URL('../docs/guides/terraform.md', import.meta.url), 'utf8');

/**
 * Evaluates `${jsonencode(…)}` of an object with one attribute per line, and references to the IDs of other resources.
 */
function evaluate(expression: string, ids: ReadonlyMap<string, string>): Json {
  const [, object = ''] = /^\$\{jsonencode\((.*)\)\}$/s.exec(expression) ?? [];
  const lines = object.split('\n').map((line) => {
    const attribute = line
      .replace(/^(\s*)(\w+)\s*=/, '$1"$2":')
      .replace(/restapi_object\.(\w+)\.id/, (_, name) => JSON.stringify(ids.get(name) ?? assert.fail(name)));
    return /[{[]\s*$/.test(attribute) ? attribute : `${attribute},`;
  });
  return JSON.parse(lines.join('\n').replace(/,(?=\s*[}\]]|\s*$)/g, ''));
}

/** Returns the configured fields whose values differ in the response, compared as the provider compares them. */
function difference(configured: Json, response: Json): Json {
  const isSame = (expected: unknown, actual: unknown): boolean => {
    if (expected === null || typeof expected !== 'object') return expected === actual;
    if (actual === null || typeof actual !== 'object') return false;
    return Object.entries(expected).every(([name, value]) => isSame(value, (actual as Json)[name]));
  };
  return Object.fromEntries(Object.entries(configured).filter(([name, value]) => !isSame(value, response[name])));
}

test('terraform.md: the requests of the provider create, refresh, update and delete the configured resources', async (context) => {
  if (!(await installLockedOrSkip(context, tools))) return;
  const parserPath = `${tools}/node_modules/@cdktf/hcl2json/lib/index.js`;
  const { parse } = (await import(pathToFileURL(parserPath).href)).default as Parser;
  const configuration = await parse('main.tf', /^```hcl\n(.*?)^```$/ms.exec(guide)?.[1] ?? '');
  const [provider] = configuration.provider.restapi;
  assert.deepEqual([provider?.['update_method'], provider?.['write_returns_object']], ['PATCH', true]);
  const testServer = await startTestServer();
  context.after(() => testServer.close());
  const owner = await signUpOwner(testServer);
  const permissions = [...(/with the permissions (.*?), and set/s.exec(guide)?.[1] ?? '').matchAll(/`(\w+)`/g)];
  const key = await createKey(owner, permissions.map(([, name = '']) => name) as Parameters<typeof createKey>[1]);
  const send = (path: string, method: string, body?: Json) =>
    testServer.call<Json & { id: string }>(path, { method, headers: bearer(key.secret), ...(body && { body }) });

  const resources = configuration.resource.restapi_object;
  const ids = new Map<string, string>();
  const paths: string[] = [];
  // Referenced resources come first.
  for (const name of ['server', 'project', 'app', 'script']) {
    const [resource] = resources[name] ?? [];
    assert.ok(resource?.ignore_server_additions, name);
    const data = evaluate(resource.data, ids);
    const created = await send(resource.path, 'POST', data);
    assert.equal(created.status, 201, created.text);
    ids.set(name, created.body.id);
    const path = `${resource.path}/${created.body.id}`;
    paths.unshift(path);
    assert.deepEqual(difference(data, (await send(path, 'GET')).body), {});
    const renamed = { name: `${data['name']} (new)` };
    assert.deepEqual(difference({ ...data, ...renamed }, (await send(path, 'GET')).body), renamed);
    // The provider sends update_data if it is configured, otherwise all of data.
    const update = resource.update_data === undefined ? data : evaluate(resource.update_data, ids);
    const updated = await send(path, 'PATCH', { ...update, ...renamed });
    assert.equal(updated.status, 200, updated.text);
    assert.deepEqual(difference({ ...data, ...renamed }, updated.body), {});
    const { name: configuredName, ...unchanged } = update;
    assert.equal(configuredName, data['name']);
    assert.deepEqual(difference(unchanged, data), {});
  }
  assert.deepEqual([...ids.keys()].sort(), Object.keys(resources).sort());
  for (const path of paths) {
    assert.equal((await send(path, 'DELETE')).status, 204, path);
    // After this response the provider removes the resource from its state.
    assert.equal((await send(path, 'GET')).status, 404, path);
  }
});
