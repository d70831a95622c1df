import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'otplib';
import type { CreatedAccessToken } from '../contract/access-tokens.ts';
import type { CreatedApiKey } from '../contract/api-keys.ts';
import type { CreatedInvitation } from '../contract/invitations.ts';
import type { AssignableRole, Permission, Scope } from '../contract/vocabulary.ts';
import { createLogger } from '../server/logger.ts';
import { readSettings } from '../server/settings.ts';
import { type RunningServer, startServer } from '../server/start.ts';
import { recordServer } from './responses/own-servers.ts';

export const PASSWORD = 'a long and private sentence';

/** A response whose body is parsed if it is JSON, and text otherwise. */
export interface TestResponse<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface TestRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless it is a string, bytes or a form. */
  readonly body?: unknown;
}

/** A running server with its own data directory, called over HTTP. */
export interface TestServer {
  readonly url: string;
  /** Public origin: `DEVPILOT_PUBLIC_URL` if set, otherwise `url`. */
  readonly origin: string;
  readonly dataDirectory: string;
  readonly setupLink: string | null;
  readonly running: RunningServer;
  call<Body = unknown>(path: string, call?: TestRequest): Promise<TestResponse<Body>>;
  /** Stops the server and starts a new one with the same data directory. */
  restart(): Promise<TestServer>;
  /** Stops the server and removes its data directory. */
  close(): Promise<void>;
}

export async function sendRequest<Body>(
  url: string,
  path: string,
  { method, headers, body }: TestRequest = {},
): Promise<TestResponse<Body>> {
  const isSentUnchanged =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array || body instanceof URLSearchParams;
  const response = await fetch(url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(isSentUnchanged ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: isSentUnchanged ? (body as string) : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson =
    /json/.test(response.headers.get('content-type') ?? '') &&
    !/ndjson/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
  };
}

export interface TestServerOptions {
  readonly clock?: () => number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly dataDirectory?: string;
  /** Delays before each retry of a connection to a server, in milliseconds; no retries by default. */
  readonly connecting?: { readonly start: readonly number[]; readonly rollback: readonly number[] };
  /**
   * Intervals of the checks for due schedules, of the cleanup and of the scan for notices, in milliseconds; as in
   * production by default.
   */
  readonly work?: { readonly dueMs: number; readonly sweepMs: number; readonly noticesMs?: number };
}

/** Starts a server on a free port. Pass a `clock` to control time. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'devpilot-'));
  const settings = readSettings({
    PORT: '0',
    DEVPILOT_DATA_DIR: dataDirectory,
    LOG_LEVEL: 'silent',
    ...options.environment,
  });
  const running = await startServer(settings, {
    connecting: options.connecting ?? { start: [], rollback: [] },
    logger: createLogger(settings.logLevel),
    quietMs: 0,
    ...(options.work !== undefined && { work: options.work }),
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  const expectDocumented = recordServer(running.url);
  return {
    url: running.url,
    origin: settings.publicUrl ?? running.url,
    dataDirectory,
    setupLink: running.setupLink,
    running,
    call: (path, call) => sendRequest(running.url, path, call),
    async restart() {
      await running.close();
      await expectDocumented();
      return startTestServer({ ...options, dataDirectory });
    },
    async close() {
      await running.close();
      rmSync(dataDirectory, { recursive: true, force: true });
      await expectDocumented();
    },
  };
}

/** A signed-in person. Requests have the session cookie and the server's `Origin`, like requests of the web UI. */
export interface TestPerson {
  readonly email: string;
  readonly cookie: string;
  readonly workspaceId: string;
  call<Body = unknown>(path: string, call?: TestRequest): Promise<TestResponse<Body>>;
}

export function createTestPerson(
  server: Pick<TestServer, 'url' | 'call'> & { readonly origin?: string },
  email: string,
  cookie: string,
  workspaceId: string,
): TestPerson {
  return {
    email,
    cookie,
    workspaceId,
    call: (path, { headers, ...call } = {}) =>
      server.call(path, {
        ...call,
        headers: {
          cookie,
          origin: server.origin ?? server.url,
          ...(workspaceId !== '' && { 'devpilot-workspace': workspaceId }),
          ...headers,
        },
      }),
  };
}

/** Returns the cookie that a response sets, as `name=value`. */
export function cookieOf(response: TestResponse): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

function expectStatus(response: TestResponse, status: number): void {
  if (response.status !== status) throw new Error(`Expected ${status}, got ${response.status}: ${response.text}`);
}

export async function createWorkspaceFor(
  person: TestPerson,
  server: Pick<TestServer, 'url' | 'call'> & { readonly origin?: string },
  name: string,
): Promise<TestPerson> {
  const created = await person.call<{ id: string }>('/v1/workspaces', { body: { name } });
  expectStatus(created, 201);
  return createTestPerson(server, person.email, person.cookie, created.body.id);
}

/** Signs up the first person with the code in the setup link, and creates a workspace. */
export async function signUpOwner(
  server: Pick<TestServer, 'url' | 'call' | 'setupLink'> & { readonly origin?: string },
  email = 'ada@example.com',
  workspace = 'Acme',
): Promise<TestPerson> {
  const setupCode = new URL(server.setupLink ?? '').hash.replace('#code=', '');
  const signedUp = await server.call('/v1/people', {
    body: { name: 'Ada Lovelace', email, password: PASSWORD, setupCode },
  });
  expectStatus(signedUp, 201);
  return createWorkspaceFor(createTestPerson(server, email, cookieOf(signedUp), ''), server, workspace);
}

/** Returns the request functions for a server in another process. */
export function remoteTestServer(url: string): Pick<TestServer, 'url' | 'call'> {
  return { url, call: <Body>(path: string, call?: TestRequest) => sendRequest<Body>(url, path, call) };
}

/** Signs up the first person at a server in another process. */
export function signUpRemoteOwner(server: {
  readonly url: string;
  readonly setupCode: string | null;
}): Promise<TestPerson> {
  return signUpOwner({ ...remoteTestServer(server.url), setupLink: `${server.url}/setup#code=${server.setupCode}` });
}

/** Signs in a person at a server in another process. */
export async function signInRemotePerson(url: string, email: string): Promise<TestPerson> {
  const server = remoteTestServer(url);
  const signedIn = await server.call('/v1/sessions', { body: { email, password: PASSWORD } });
  expectStatus(signedIn, 201);
  return createTestPerson(server, email, cookieOf(signedIn), '');
}

/** Invites a person, who signs up and becomes a member of the inviter's workspace. */
export async function signUpMember(
  server: TestServer,
  inviter: TestPerson,
  role: AssignableRole,
  email: string,
): Promise<TestPerson> {
  const invited = await inviter.call<CreatedInvitation>('/v1/invitations', { body: { email, role } });
  expectStatus(invited, 201);
  const signedUp = await server.call('/v1/people', {
    body: { name: email.split('@')[0]?.padEnd(3, '_'), email, password: PASSWORD, invitation: invited.body.code },
  });
  expectStatus(signedUp, 201);
  return createTestPerson(server, email, cookieOf(signedUp), inviter.workspaceId);
}

/** Turns on two-factor authentication; `now` is the server's time. Returns the person with the new session. */
export async function turnOnTwoFactor(server: TestServer, person: TestPerson, now: number): Promise<TestPerson> {
  const started = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
  expectStatus(started, 201);
  const code = await generate({ secret: started.body.secret, epoch: Math.floor(now / 1000) });
  const confirmed = await person.call('/v1/me/two-factor/confirm', { body: { code } });
  expectStatus(confirmed, 200);
  return createTestPerson(server, person.email, cookieOf(confirmed), person.workspaceId);
}

export async function createToken(
  person: TestPerson,
  scopes: readonly Scope[],
  fields: Readonly<Record<string, unknown>> = {},
): Promise<CreatedAccessToken> {
  const created = await person.call<CreatedAccessToken>('/v1/access-tokens', {
    body: { name: 'CI/CD Pipeline', scopes, ...fields },
  });
  expectStatus(created, 201);
  return created.body;
}

export async function createKey(
  person: TestPerson,
  permissions: readonly Permission[],
  fields: Readonly<Record<string, unknown>> = {},
): Promise<CreatedApiKey> {
  const created = await person.call<CreatedApiKey>('/v1/api-keys', {
    body: { name: 'Billing service', permissions, ...fields },
  });
  expectStatus(created, 201);
  return created.body;
}

export const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });
