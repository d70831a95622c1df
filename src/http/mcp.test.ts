import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Deployment } from '../contract/deployments.ts';
import { MCP_LIMITS } from '../contract/mcp.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';
import { installLockedOrSkip } from '../testing/registry.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { createServerResource, createTestApp, type TestApp } from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { scaledTimeout } from '../testing/timeouts.ts';
import { until } from '../testing/until.ts';

const DEPLOYMENT_TOOLS = ['list_deployments', 'get_deployment', 'read_deployment_log', 'cancel_deployment'];
const ADVANCED_DEPLOYMENT_TOOLS = ['deploy_advanced', 'approve_deployment', 'promote_deployment', 'abort_deployment'];
const SCRIPT_TOOLS = ['list_scripts', 'get_script', 'run_script', 'list_runs', 'get_run', 'read_run_log', 'cancel_run'];

/** The tools of each scope, and a tool that the scope does not allow. */
const TOOLS_BY_SCOPE: Readonly<Record<Exclude<Scope, 'all'>, readonly [tools: readonly string[], refused: string]>> = {
  basic_deployment: [[...DEPLOYMENT_TOOLS, 'deploy', 'roll_back'], 'deploy_advanced'],
  advanced_deployment: [[...DEPLOYMENT_TOOLS, ...ADVANCED_DEPLOYMENT_TOOLS], 'deploy'],
  activity_tracker: [['record_event'], 'list_events'],
  activity_tracker_analytics: [['list_events', 'get_activity_analytics'], 'record_event'],
  error_tracker: [['list_issues', 'get_issue', 'list_issue_events', 'update_issue', 'report_error'], 'list_variables'],
  modify_env: [['list_variables', 'set_variable', 'remove_variable'], 'deploy'],
  run_scripts: [SCRIPT_TOOLS, 'set_variable'],
};

/** The tools of each permission, and a tool that the permission does not allow. */
const TOOLS_BY_PERMISSION: Readonly<Record<Permission, readonly [tools: readonly string[], refused: string]>> = {
  read: [
    [
      'list_projects',
      'list_apps',
      'get_app',
      'list_servers',
      'list_deployments',
      'get_deployment',
      'list_scripts',
      'get_script',
    ],
    'deploy',
  ],
  write: [[], 'get_app'],
  delete: [[], 'get_app'],
  deploy: [
    ['list_deployments', 'get_deployment', 'cancel_deployment', 'deploy', 'roll_back', ...ADVANCED_DEPLOYMENT_TOOLS],
    'read_deployment_log',
  ],
  manage_servers: [['list_servers'], 'get_app'],
  manage_projects: [['list_projects'], 'get_app'],
  manage_apps: [['list_apps', 'get_app'], 'list_variables'],
  view_logs: [['read_deployment_log'], 'deploy'],
  manage_backups: [['list_backups', 'create_backup'], 'deploy'],
};

/** Returns arguments with which a permitted credential could call a tool. */
const argumentsOf = (tool: string): Record<string, unknown> => {
  if (tool === 'read_deployment_log') return { id: 'dep_1' };
  if (tool === 'record_event' || tool === 'list_events') return {};
  const variable = tool === 'set_variable' ? { name: 'A', value: 'b' } : {};
  return { app: app.id, ...variable, ...(tool === 'deploy_advanced' && { strategy: 'all' }) };
};

let server: TestServer;
let owner: TestPerson;
let app: TestApp;
before(async () => {
  server = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(server);
  app = await createTestApp(owner, (await createServerResource(owner)).id);
});
after(() => server.close());

/** Calls `use` with the SDK's client, connected with a credential. */
async function withClient(
  secret: string,
  mode: 'auto' | 'legacy',
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  const requestInit = { headers: { ...bearer(secret), 'user-agent': 'agent/1.0', 'x-forwarded-for': '203.0.113.9' } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit }));
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

/** Calls a tool and returns the text of its result. */
async function callTool(client: Client, name: string, args: Record<string, unknown> = {}) {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const [first] = content;
  assert.ok(first?.type === 'text');
  return { isError, text: first.text };
}

/** Exit code and output of a run of the inspector. */
interface Inspection {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface McpResponse {
  readonly result?: {
    readonly tools?: readonly { readonly name: string }[];
    readonly content?: readonly { readonly text: string }[];
    readonly isError?: boolean;
    readonly protocolVersion?: string;
  };
  readonly error?: { readonly code: number; readonly message: string };
}

const message = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params });
const send = (secret: string, body: unknown, headers: Record<string, string> = {}) =>
  server.call<McpResponse & ProblemBody>('/mcp', { body, headers: { ...bearer(secret), ...headers } });
const toolsOf = async (secret: string) =>
  ((await send(secret, message('tools/list'))).body.result?.tools ?? []).map(({ name }) => name).toSorted();

const eventsOf = async (actor: string): Promise<AuditEvent[]> =>
  (await owner.call<Page<AuditEvent>>(`/v1/audit-events?actor=${actor}`)).body.data;

test('a credential sees only the tools that its rights allow, and calling another tool fails with the error code of its route', async () => {
  const everyTool = new Set<string>();
  const rows = [
    ...SCOPES.filter((scope) => scope !== 'all').map((scope) => ['token', scope, TOOLS_BY_SCOPE[scope]] as const),
    ...PERMISSIONS.map((permission) => ['key', permission, TOOLS_BY_PERMISSION[permission]] as const),
  ];
  for (const [kind, right, [tools, refused]] of rows) {
    const { secret } = kind === 'token' ? await createToken(owner, [right]) : await createKey(owner, [right]);
    assert.deepEqual(await toolsOf(secret), tools.toSorted(), right);
    if (kind === 'token') for (const tool of tools) everyTool.add(tool);
    const { body } = await send(secret, message('tools/call', { name: refused, arguments: argumentsOf(refused) }));
    // The tool that `manage_apps` is tested with accepts only access tokens.
    const code = right === 'manage_apps' ? 'wrong_credential_kind' : 'insufficient_scope';
    assert.equal(body.result?.isError, true, `${right}: ${refused}`);
    assert.equal((JSON.parse(body.result.content?.[0]?.text ?? '') as ProblemBody).code, code, right);
  }
  const { secret } = await createToken(owner, ['all']);
  assert.deepEqual(await toolsOf(secret), [...everyTool].toSorted());
});

for (const mode of ['auto', 'legacy'] as const) {
  test(`an agent sets a variable, deploys and reads the log with the SDK's client (${mode}), and the activity log records it`, async () => {
    const { secret, id } = await createToken(owner, ['basic_deployment', 'modify_env']);
    await withClient(secret, mode, async (client) => {
      assert.equal(client.getServerVersion()?.name, 'devpilot');
      const { tools } = await client.listTools();
      const deploy = tools.find(({ name }) => name === 'deploy');
      assert.deepEqual(Object.keys(deploy?.inputSchema.properties ?? {}).toSorted(), [
        'app',
        'branch',
        'commit',
        'replace',
        'tag',
      ]);
      assert.deepEqual(deploy?.inputSchema.required, ['app']);
      const setResult = await callTool(client, 'set_variable', { app: app.slug, name: 'GREETING', value: mode });
      assert.equal(setResult.isError, false, setResult.text);
      const started = await callTool(client, 'deploy', { app: app.slug });
      assert.equal(started.isError, false, started.text);
      const { id: deploymentId } = JSON.parse(started.text) as Deployment;
      await until(async () => {
        const { text } = await callTool(client, 'get_deployment', { id: deploymentId });
        return (JSON.parse(text) as Deployment).status === 'completed';
      });
      const list = await callTool(client, 'list_deployments', { app: app.id, limit: 1 });
      assert.equal((JSON.parse(list.text) as Page<Deployment>).data[0]?.id, deploymentId);
      const logLines = (await callTool(client, 'read_deployment_log', { id: deploymentId })).text.split('\n');
      const lastTwo = await callTool(client, 'read_deployment_log', { id: deploymentId, lines: 2 });
      assert.deepEqual(lastTwo.text.split('\n'), logLines.slice(-2));
    });
    const events = await eventsOf(id);
    const actions = events.map(({ action }) => action).toSorted();
    assert.deepEqual(actions, ['deployment.completed', 'deployment.created', 'env.updated']);
    const created = events.find(({ action }) => action === 'deployment.created');
    assert.deepEqual([created?.address, created?.userAgent], ['203.0.113.9', 'agent/1.0']);
  });
}

test('the endpoint requires a credential, accepts one message per request, and refuses pages of other origins', async () => {
  const { secret } = await createToken(owner, ['basic_deployment']);
  const unauthenticated = await server.call('/mcp', { body: message('ping') });
  assert.equal(unauthenticated.status, 401);
  assert.match(unauthenticated.headers.get('www-authenticate') ?? '', /^Bearer /);
  assert.equal((await owner.call('/mcp', { body: message('ping') })).status, 403);
  for (const method of ['GET', 'DELETE']) {
    const { status, headers } = await server.call('/mcp', { method, headers: bearer(secret) });
    assert.deepEqual([status, headers.get('allow')], [405, 'POST']);
  }
  const expectedStatuses = [
    [{}, 200],
    [{ origin: server.url }, 200],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'evil.example', origin: 'http://evil.example' }, 403],
    [{ 'mcp-protocol-version': '2025-06-18' }, 200],
    [{ 'mcp-protocol-version': '1999-01-01' }, 400],
    [{ 'mcp-method': 'ping' }, 200],
    [{ 'mcp-method': 'tools/list' }, 400],
  ] as const;
  for (const [headers, status] of expectedStatuses) {
    assert.equal((await send(secret, message('ping'), headers)).status, status, JSON.stringify(headers));
  }
  assert.equal((await send(secret, { jsonrpc: '2.0', method: 'notifications/initialized' })).status, 202);
  assert.equal((await send(secret, { jsonrpc: '2.0', id: 1, result: {} })).status, 202);
  assert.equal((await send(secret, [message('ping')])).status, 422);
  assert.equal((await send(secret, message('ping', { text: 'x'.repeat(1_100_000) }))).status, 413);
  assert.equal((await send(secret, message('resources/list'))).body.error?.code, -32601);
  const negotiatedVersions = { '2025-06-18': '2025-06-18', '2025-11-25': '2025-11-25', '2024-11-05': '2025-11-25' };
  for (const [protocolVersion, negotiated] of Object.entries(negotiatedVersions)) {
    const { body } = await send(secret, message('initialize', { protocolVersion }));
    assert.equal(body.result?.protocolVersion, negotiated);
  }
});

test('arguments reach only the route of the tool, and a refusal of the route is returned with its error code', async () => {
  const { secret } = await createToken(owner, ['all']);
  const callWith = (name: string, args: unknown) => send(secret, message('tools/call', { name, arguments: args }));
  for (const id of ['..', '.', '', '\ud800', 1, null, undefined, {}, ['x']]) {
    const { body } = await callWith('get_deployment', { id });
    assert.equal(body.error?.code, -32602, JSON.stringify(id));
  }
  const longText = '%'.repeat(1_000_000);
  for (const [name, args] of [
    ['get_deployment', { id: longText }],
    ['list_deployments', { cursor: longText }],
    ['list_deployments', { status: [longText.slice(200_000)] }],
  ] as const) {
    assert.equal((await callWith(name, args)).body.error?.code, -32602, name);
  }
  const refusals = [
    ['get_deployment', { id: '../env' }, 'not_found'],
    ['get_deployment', { id: 'dep_1', unknown: 1 }, 'validation_failed'],
    ['list_deployments', { limit: 'many' }, 'validation_failed'],
    ['deploy_advanced', { app: app.id, strategy: 'sideways' }, 'validation_failed'],
    ['get_app', { app: app.id }, 'wrong_credential_kind'],
  ] as const;
  for (const [tool, args, code] of refusals) {
    const { body } = await callWith(tool, args);
    assert.equal((JSON.parse(body.result?.content?.[0]?.text ?? '{}') as ProblemBody).code, code, tool);
  }
  for (const args of [{ app: app.id, strategy: 'all' }, 'text', ['x']]) {
    assert.equal((await callWith('deploy', args)).body.error?.code, -32602);
  }
  assert.equal((await callWith('read_deployment_log', { id: 'dep_1', lines: 0 })).body.error?.code, -32602);
  for (const follow of [true, 'true'])
    assert.equal((await callWith('read_deployment_log', { id: 'dep_1', follow })).body.error?.code, -32602);
  assert.equal((await callWith('constructor', {})).body.error?.code, -32602);
  const longVariables = Object.fromEntries(
    Array.from({ length: 3 }, (_, index) => [`LONG_${index}`, 'x'.repeat(30_000)]),
  );
  await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values: longVariables } });
  const text = (await callWith('list_variables', { app: app.id })).body.result?.content?.[0]?.text ?? '';
  assert.ok(text.length < MCP_LIMITS.output + 200);
  assert.match(text, /Truncated after 65536 characters/);
});

test('restrictions hide tools; a permitted call counts as one use, and listing the tools does not count', async () => {
  const restrictions = { apps: [app.id], maxUses: 2 };
  const scopes = ['modify_env', 'activity_tracker_analytics'] as const;
  const { secret } = await createToken(owner, scopes, { restrictions });
  for (let count = 0; count < 3; count += 1)
    assert.deepEqual(await toolsOf(secret), TOOLS_BY_SCOPE.modify_env[0].toSorted());
  const otherApp = await createTestApp(owner, app.serverId);
  const listVariables = async (id: string) => {
    const { body } = await send(secret, message('tools/call', { name: 'list_variables', arguments: { app: id } }));
    return body.code ?? (body.result?.isError === true ? 'error' : 'success');
  };
  assert.deepEqual(
    [await listVariables(otherApp.id), await listVariables(app.id), await listVariables(app.id)],
    ['error', 'success', 'success'],
  );
  assert.equal(await listVariables(app.id), 'credential_spent');
});

test("the official inspector's CLI lists the tools of a token with one scope, calls one and reports refusals", async (context) => {
  const folder = fileURLToPath(new URL('../testing/mcp-inspector', import.meta.url));
  if (!(await installLockedOrSkip(context, folder))) return;
  const home = temporaryDirectory();
  const token = await createToken(owner, ['modify_env']);
  const inspect = (...args: readonly string[]): Promise<Inspection> => {
    const target = ['--cli', `${server.url}/mcp`, '--transport', 'http', '--header'];
    const cliArguments = [...target, `Authorization: Bearer ${token.secret}`, ...args];
    const options = { env: { ...process.env, HOME: home }, timeout: scaledTimeout(60_000) };
    return new Promise((resolve) =>
      execFile(join(folder, 'node_modules/.bin/mcp-inspector'), cliArguments, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      ),
    );
  };
  const callWithInspector = (name: string, ...args: readonly string[]) =>
    inspect('--method', 'tools/call', '--tool-name', name, ...args.flatMap((arg) => ['--tool-arg', arg]));
  // `--strict` fails if some clients cannot read the schema of a tool.
  const [listed, called, failed, refused] = await Promise.all([
    inspect('--method', 'tools/list', '--strict'),
    callWithInspector('set_variable', `app=${app.id}`, 'name=INSPECTED', 'value=yes'),
    callWithInspector('list_variables', 'app=none'),
    callWithInspector('deploy', `app=${app.id}`),
  ]);
  assert.equal(listed.code, 0, listed.stderr);
  const { tools } = JSON.parse(listed.stdout) as { readonly tools: readonly { readonly name: string }[] };
  assert.deepEqual(tools.map(({ name }) => name).sort(), TOOLS_BY_SCOPE.modify_env[0].toSorted());
  assert.equal(called.code, 0, called.stderr);
  assert.match(called.stdout, /INSPECTED/);
  assert.deepEqual([failed.code, (JSON.parse(failed.stdout) as { isError: boolean }).isError], [5, true]);
  assert.match(failed.stdout, /not_found/);
  assert.deepEqual([refused.code, refused.stdout], [5, '']);
  assert.match(refused.stderr, /tool_not_found/);
});
