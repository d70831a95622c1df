import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PERMISSIONS } from '../contract/vocabulary.ts';
import { createHostileRequests, type HostileRequest, type OpenApi } from './hostile-requests.ts';
import {
  createLargestRequests,
  type ExpensiveRequest,
  type HeaderFields,
  type Senders,
  sendAndDrain,
} from './largest-requests.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { createKey, createToken, remoteTestServer, signUpRemoteOwner, type TestPerson } from './test-server.ts';

const CLI_PATH = fileURLToPath(new URL('../../bin/devpilot.mjs', import.meta.url));
const PROBE_URL = new URL('./event-loop-probe.ts', import.meta.url).href;

/** A server in its own process, with a probe that measures how long requests block its event loop. */
export interface ProbedServer {
  readonly url: string;
  readonly pid: number;
  /** Hostile requests for every operation of the document that has a body or a query. */
  readonly hostileRequests: readonly ExpensiveRequest[];
  /** See `createLargestRequests`. */
  readonly largestRequests: readonly ExpensiveRequest[];
  /** Returns the longest block of the event loop since the previous call, in milliseconds of CPU time. */
  takeLongestBlockMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Values for path parameters: existing resources if possible, so that a request is not refused early. */
const PATH_PARAMETERS: Readonly<Record<string, string>> = { app: 'shop', project: 'shop', workspace: 'acme', any: '1' };

async function spawnProbedServer(
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; url: string; setupCode: string | null }> {
  const child = spawn(process.execPath, ['--import', PROBE_URL, CLI_PATH, 'serve'], {
    env: { PATH: process.env['PATH'], PORT: '0', DEVPILOT_DATA_DIR: directory, LOG_LEVEL: 'silent', ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const listeningUrl = /Devpilot is at (\S+)\n/.exec(output)?.[1];
      if (listeningUrl !== undefined) resolve(listeningUrl);
    });
    child.once('close', (code) =>
      reject(new Error(`The server exited with code ${code} before it listened: ${output}`)),
    );
  });
  return { child, url, setupCode: /#code=(\w+)/.exec(output)?.[1] ?? null };
}

/** Signs up the owner and creates resources and a credential of each kind. */
async function createSenders(url: string, setupCode: string | null): Promise<Senders> {
  const owner: TestPerson = await signUpRemoteOwner({ url, setupCode });
  const [token, key] = [await createToken(owner, ['all']), await createKey(owner, [...PERMISSIONS], { guard: true })];
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop', slug: 'shop' } });
  const app = await owner.call('/v1/apps', { body: { name: 'Shop', slug: 'shop', projectId: project.body.id } });
  if (app.status !== 201) throw new Error(app.text);
  const errorKey = await owner.call<{ publicKey: string }>('/v1/errors/keys', { body: { name: 'Shop' } });
  return {
    url,
    person: { cookie: owner.cookie, origin: url, 'devpilot-workspace': owner.workspaceId },
    token: { authorization: `Bearer ${token.secret}` },
    key: { authorization: `Bearer ${key.secret}` },
    errorKey: { 'x-sentry-auth': `Sentry sentry_key=${errorKey.body.publicKey}` },
  };
}

function toExpensiveRequest({ url, person, token, key }: Senders, request: HostileRequest): ExpensiveRequest {
  const path = request.path.replace(/\{(\w+)\}/g, (_, name: string) => PATH_PARAMETERS[name] ?? 'none_1');
  const headersBySender: Readonly<Record<HostileRequest['sender'], HeaderFields>> = {
    anyone: {},
    person,
    credential: /guards|introspect/.test(path) ? key : token,
  };
  const headers = {
    ...headersBySender[request.sender],
    ...(request.contentType !== null && { 'content-type': request.contentType }),
  };
  const requestUrl = `${url}${path}${request.query === '' ? '' : `?${request.query}`}`;
  return {
    operation: request.operation,
    description: request.attack,
    send: () =>
      sendAndDrain(requestUrl, {
        method: request.method,
        headers,
        ...(request.body !== null && { body: request.body() }),
      }),
  };
}

/**
 * Starts a server with some resources in its own process, and creates hostile requests from its OpenAPI document, with
 * bodies of about `bytes` bytes.
 */
export async function startProbedServer(
  bytes: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<ProbedServer> {
  const directory = temporaryDirectory();
  const { child, url, setupCode } = await spawnProbedServer(directory, environment);
  const senders = await createSenders(url, setupCode);
  const document = await remoteTestServer(url).call<OpenApi>('/openapi.json');
  return {
    url,
    pid: child.pid ?? 0,
    hostileRequests: createHostileRequests(document.body, bytes).map((hostileRequest) =>
      toExpensiveRequest(senders, hostileRequest),
    ),
    largestRequests: createLargestRequests(senders),
    async takeLongestBlockMs() {
      child.send('longest');
      const [blockMs] = (await once(child, 'message')) as [number];
      return blockMs;
    },
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
