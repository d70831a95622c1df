import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { runCommand, type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';

async function signUp(server: ServerProcess): Promise<Record<string, string>> {
  const response = await sendRequest(server.url, '/v1/people', {
    body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode: server.setupCode },
  });
  assert.equal(response.status, 201, response.text);
  const personHeaders = bearer(cookieOf(response).split('=')[1] ?? '');
  await sendRequest(server.url, '/v1/workspaces', { headers: personHeaders, body: { name: 'Acme' } });
  return personHeaders;
}

/**
 * Sends the head of a request and the first byte of its body, after which `started` resolves. `finish` sends the rest.
 * `response` resolves to the raw response when the connection is closed.
 */
function startSlowRequest(url: string, path: string, headers: Record<string, string>, body: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  let text = '';
  const output = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
  const length = `Content-Length: ${body.length}`;
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', length, ...lines, '', ''];
  const started = new Promise<void>((resolve) => socket.write(head.join('\r\n') + body.slice(0, 1), () => resolve()));
  return { started, response: output, finish: () => socket.write(body.slice(1)) };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops the server within five seconds: running requests finish, and every use is written`, async () => {
    const directory = temporaryDirectory();
    const server = await spawnServer(directory);
    const personHeaders = await signUp(server);
    const key = await sendRequest<{ id: string; secret: string }>(server.url, '/v1/api-keys', {
      headers: personHeaders,
      body: { name: 'Counted', permissions: ['read'] },
    });
    for (let count = 0; count < 20; count++) {
      assert.equal((await sendRequest(server.url, '/v1/authorize', { headers: bearer(key.body.secret) })).status, 200);
    }
    const body = JSON.stringify({ name: 'In flight', scopes: ['all'] });
    const slow = startSlowRequest(server.url, '/v1/access-tokens', personHeaders, body);
    await slow.started;
    // The response to this later request shows that the server has read the head of the slow request.
    await sendRequest(server.url, '/healthz');
    const startMs = performance.now();
    const stopped = server.stop(signal);
    slow.finish();
    const { code } = await stopped;
    assert.equal(code, 0);
    assert.ok(performance.now() - startMs < scaledTimeout(5000));
    assert.match(await slow.response, /^HTTP\/1\.1 201 /);
    const restarted = await spawnServer(directory);
    assert.equal(restarted.setupCode, null);
    const counted = await sendRequest<{ useCount: number }>(restarted.url, `/v1/api-keys/${key.body.id}`, {
      headers: personHeaders,
    });
    assert.equal(counted.body.useCount, 20);
    const tokens = await sendRequest(restarted.url, '/v1/access-tokens', { headers: personHeaders });
    assert.ok(tokens.text.includes('In flight'));
    await restarted.stop(signal);
  });
}

test('a client that never finishes its request does not delay the stop beyond five seconds', async () => {
  const directory = temporaryDirectory();
  const server = await spawnServer(directory);
  const personHeaders = await signUp(server);
  const slow = startSlowRequest(server.url, '/v1/access-tokens', personHeaders, '{}');
  slow.response.catch(() => undefined);
  await slow.started;
  await sendRequest(server.url, '/healthz');
  const startMs = performance.now();
  assert.equal((await server.stop('SIGTERM')).code, 0);
  assert.ok(performance.now() - startMs < scaledTimeout(5000));
});

test('a second start on the same data directory fails with one line that names the process; a dead process holds no lock', async () => {
  const directory = temporaryDirectory();
  const server = await spawnServer(directory);
  const environment = { PORT: '0', DEVPILOT_DATA_DIR: directory };
  const secondStart = await runCommand(['serve'], environment);
  assert.equal(secondStart.code, 2);
  assert.equal(secondStart.stdout, '');
  assert.match(secondStart.stderr, new RegExp(`^devpilot: [^\n]*process ${server.pid}\\b[^\n]*\n$`));
  const init = ['init', '--email', 'a@example.com', '--name', 'Ada', '--workspace', 'Acme', '--password-stdin'];
  assert.match((await runCommand(init, environment, PASSWORD)).stderr, new RegExp(`process ${server.pid}\\b`));
  assert.equal((await sendRequest(server.url, '/readyz')).status, 200);
  await server.stop('SIGKILL');
  const third = await spawnServer(directory);
  assert.equal((await sendRequest(third.url, '/healthz')).status, 200);
  await third.stop('SIGTERM');
});

test('a signal sent as soon as the URL is printed stops the server cleanly', async () => {
  const directory = temporaryDirectory();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = await spawnServer(directory);
    const { code, signal: endedBy } = await server.stop(signal);
    assert.deepEqual([code, endedBy], [0, null]);
  }
});

test('a start on a port in use fails with one line, and releases the data directory', async () => {
  const directory = temporaryDirectory();
  const otherDirectory = temporaryDirectory();
  const server = await spawnServer(directory);
  const PORT = new URL(server.url).port;
  const portTaken = await runCommand(['serve'], { PORT, DEVPILOT_DATA_DIR: otherDirectory });
  assert.equal(portTaken.code, 2);
  assert.equal(
    portTaken.stderr,
    `devpilot: PORT must be a port that nothing else listens on (127.0.0.1:${PORT} is in use).\n`,
  );
  const secondServer = await spawnServer(otherDirectory);
  await Promise.all([server.stop('SIGTERM'), secondServer.stop('SIGTERM')]);
});

test('init creates the first owner without a browser, once, with a password from standard input', async () => {
  const directory = temporaryDirectory();
  const environment = { DEVPILOT_DATA_DIR: directory };
  const init = (email: string, password: string, workspace = 'Acme') =>
    runCommand(
      ['init', '--email', email, '--name', 'Ada', '--workspace', workspace, '--password-stdin', '--json'],
      environment,
      `${password}\n`,
    );
  for (const [email, password, field] of [
    ['nonsense', PASSWORD, 'email'],
    ['ada@example.com', 'short', 'password'],
    ['ada@example.com', 'password', 'password'],
  ] as const) {
    const refused = await init(email, password);
    assert.equal(refused.code, 1);
    const { error } = JSON.parse(refused.stderr) as { error: { message: string } };
    assert.match(error.message, new RegExp(`^${field}`));
  }
  const initResult = await init('ada@example.com', PASSWORD);
  assert.equal(initResult.code, 0, initResult.stderr);
  const { person, workspace } = JSON.parse(initResult.stdout) as {
    person: { id: string; email: string };
    workspace: { id: string; slug: string };
  };
  assert.equal(person.email, 'ada@example.com');
  assert.equal(workspace.slug, 'acme');
  const secondInit = await init('eve@example.com', PASSWORD, 'Evil');
  assert.equal(secondInit.code, 1);
  assert.match(secondInit.stderr, /owner already/);
  const server = await spawnServer(directory);
  assert.equal(server.setupCode, null);
  const signedIn = await sendRequest(server.url, '/v1/sessions', {
    body: { email: 'ada@example.com', password: PASSWORD },
  });
  assert.equal(signedIn.status, 201);
  const headers = bearer(cookieOf(signedIn).split('=')[1] ?? '');
  const me = await sendRequest<{ rights: { role: string }; workspace: { id: string } }>(server.url, '/v1/whoami', {
    headers,
  });
  assert.equal(me.body.rights.role, 'owner');
  assert.equal(me.body.workspace.id, workspace.id);
  await server.stop('SIGTERM');
});
