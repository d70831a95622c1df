import { generate } from 'otplib';
import type { CreatedAccessToken } from '../contract/access-tokens.ts';
import type { CreatedApiKey } from '../contract/api-keys.ts';
import type { CreatedInvitation } from '../contract/invitations.ts';
import type { AssignableRole, Permission, Scope } from '../contract/vocabulary.ts';
import type { StartOptions } from '../server/base.ts';
import { createLogger } from '../server/logger.ts';
import { readSettings } from '../server/settings.ts';
import { type RunningServer, startServer } from '../server/start.ts';
import { recordServer } from './responses/record-in-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Password of every person that tests sign up. */
export const PASSWORD = 'a long and private sentence';

/** A response whose body is parsed if it is JSON, and text otherwise, for example NDJSON. */
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

/** The part of a server that is needed to send requests. */
interface CallableServer {
  readonly url: string;
  /** Origin of the web UI; `url` by default. */
  readonly origin?: string;
  call<Body = unknown>(path: string, request?: TestRequest): Promise<TestResponse<Body>>;
}

/** A running server with its own data directory, called over HTTP. */
export interface TestServer extends CallableServer {
  /** Public origin: `DEVPILOT_PUBLIC_URL` if set, otherwise `url`. */
  readonly origin: string;
  readonly dataDirectory: string;
  readonly setupLink: string | null;
  readonly running: RunningServer;
  /** Stops the server and starts a new one with the same data directory. */
  restart(): Promise<TestServer>;
  /** Stops the server. */
  close(): Promise<void>;
}

/** Sends a request without following redirects; by default a GET without a body, and a POST with one. */
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
  const contentType = response.headers.get('content-type') ?? '';
  const isJson = /json/.test(contentType) && !/ndjson/.test(contentType);
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
  /** Delays before each retry of a connection to a server resource, in milliseconds; no retries by default. */
  readonly connectRetryDelays?: NonNullable<StartOptions['connectRetryDelays']>;
  /**
   * Intervals of the checks for due schedules, of the cleanup and of the scan for notices; as in production by default.
   */
  readonly schedulerIntervals?: NonNullable<StartOptions['schedulerIntervals']>;
}

/** Starts a server on a free port. Pass a `clock` to control time. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDirectory = options.dataDirectory ?? temporaryDirectory();
  const settings = readSettings({
    PORT: '0',
    DEVPILOT_DATA_DIR: dataDirectory,
    LOG_LEVEL: 'silent',
    ...options.environment,
  });
  const running = await startServer(settings, {
    connectRetryDelays: options.connectRetryDelays ?? { short: [], long: [] },
    logger: createLogger(settings.logLevel),
    idleMs: 0,
    ...(options.schedulerIntervals !== undefined && { schedulerIntervals: options.schedulerIntervals }),
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  const expectDocumented = recordServer(running.url);
  async function close(): Promise<void> {
    await running.close();
    await expectDocumented();
  }
  return {
    url: running.url,
    origin: settings.publicUrl ?? running.url,
    dataDirectory,
    setupLink: running.setupLink,
    running,
    call: (path, request) => sendRequest(running.url, path, request),
    async restart() {
      await close();
      return startTestServer({ ...options, dataDirectory });
    },
    close,
  };
}

/** A signed-in person. Requests have the session cookie and the server's `Origin`, like requests of the web UI. */
export interface TestPerson {
  /** Empty if it was not passed to `createTestPerson`. */
  readonly email: string;
  /** The session cookie, as `name=value`. */
  readonly cookie: string;
  /** The workspace that requests specify in a header; empty if they specify none. */
  readonly workspaceId: string;
  call<Body = unknown>(path: string, request?: TestRequest): Promise<TestResponse<Body>>;
}

/** Returns a person who has already signed in at a server and received `cookie`. */
export function createTestPerson(
  server: CallableServer,
  { email = '', cookie, workspaceId = '' }: Pick<TestPerson, 'cookie'> & Partial<TestPerson>,
): TestPerson {
  return {
    email,
    cookie,
    workspaceId,
    call: (path, { headers, ...request } = {}) =>
      server.call(path, {
        ...request,
        headers: {
          cookie,
          origin: server.origin ?? server.url,
          ...(workspaceId !== '' && { 'devpilot-workspace': workspaceId }),
          ...headers,
        },
      }),
  };
}

/** Returns the first cookie that a response sets, as `name=value`; empty if it sets none. */
export function cookieOf(response: TestResponse): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Returns the body of a response; throws if the response has another status. */
export function expectStatus<Body>(response: TestResponse<Body>, status: number): Body {
  if (response.status !== status) throw new Error(`Expected ${status}, got ${response.status}: ${response.text}`);
  return response.body;
}

/** Creates a workspace of a person, and returns the person in this workspace. */
export async function createWorkspaceFor(
  person: TestPerson,
  server: CallableServer,
  name: string,
): Promise<TestPerson> {
  const { id } = expectStatus(await person.call<{ id: string }>('/v1/workspaces', { body: { name } }), 201);
  return createTestPerson(server, { ...person, workspaceId: id });
}

/** Signs up the first person with the code in the setup link, and creates a workspace. */
export async function signUpOwner(
  server: CallableServer & Pick<TestServer, 'setupLink'>,
  email = 'ada@example.com',
  workspaceName = 'Acme',
): Promise<TestPerson> {
  const setupCode = new URL(server.setupLink ?? '').hash.replace('#code=', '');
  const signedUp = await server.call('/v1/people', {
    body: { name: 'Ada Lovelace', email, password: PASSWORD, setupCode },
  });
  expectStatus(signedUp, 201);
  return createWorkspaceFor(createTestPerson(server, { email, cookie: cookieOf(signedUp) }), server, workspaceName);
}

/** Returns a client of a server that runs in another process. */
export function remoteTestServer(url: string): CallableServer {
  return { url, call: (path, request) => sendRequest(url, path, request) };
}

/** Signs up the first person at a server in another process, and creates a workspace. */
export function signUpRemoteOwner(server: {
  readonly url: string;
  readonly setupCode: string | null;
}): Promise<TestPerson> {
  return signUpOwner({ ...remoteTestServer(server.url), setupLink: `${server.url}/setup#code=${server.setupCode}` });
}

/** Signs in a person at a server in another process. The person's requests specify no workspace. */
export async function signInRemotePerson(url: string, email: string): Promise<TestPerson> {
  const server = remoteTestServer(url);
  const signedIn = await server.call('/v1/sessions', { body: { email, password: PASSWORD } });
  expectStatus(signedIn, 201);
  return createTestPerson(server, { email, cookie: cookieOf(signedIn) });
}

/** Invites a person, who signs up and becomes a member of the inviter's workspace. */
export async function signUpMember(
  server: TestServer,
  inviter: TestPerson,
  role: AssignableRole,
  email: string,
): Promise<TestPerson> {
  const invited = await inviter.call<CreatedInvitation>('/v1/invitations', { body: { email, role } });
  const { code } = expectStatus(invited, 201);
  const signedUp = await server.call('/v1/people', {
    body: { name: email.split('@')[0], email, password: PASSWORD, invitation: code },
  });
  expectStatus(signedUp, 201);
  return createTestPerson(server, { email, cookie: cookieOf(signedUp), workspaceId: inviter.workspaceId });
}

/**
 * Turns on two-factor authentication; `now` is the server's time in epoch milliseconds. Returns the person with the new
 * session.
 */
export async function turnOnTwoFactor(server: TestServer, person: TestPerson, now: number): Promise<TestPerson> {
  const started = await person.call<{ secret: string }>('/v1/me/two-factor', { body: { password: PASSWORD } });
  const { secret } = expectStatus(started, 201);
  const code = await generate({ secret, epoch: Math.floor(now / 1000) });
  const confirmed = await person.call('/v1/me/two-factor/confirm', { body: { code } });
  expectStatus(confirmed, 200);
  return createTestPerson(server, { ...person, cookie: cookieOf(confirmed) });
}

/** Creates an access token. `fields` are added to the body of the request. */
export async function createToken(
  person: TestPerson,
  scopes: readonly Scope[],
  fields: Readonly<Record<string, unknown>> = {},
): Promise<CreatedAccessToken> {
  const created = await person.call<CreatedAccessToken>('/v1/access-tokens', {
    body: { name: 'CI/CD Pipeline', scopes, ...fields },
  });
  return expectStatus(created, 201);
}

/** Creates an API key. `fields` are added to the body of the request. */
export async function createKey(
  person: TestPerson,
  permissions: readonly Permission[],
  fields: Readonly<Record<string, unknown>> = {},
): Promise<CreatedApiKey> {
  const created = await person.call<CreatedApiKey>('/v1/api-keys', {
    body: { name: 'Billing service', permissions, ...fields },
  });
  return expectStatus(created, 201);
}

/** Returns the headers of a request with a credential. */
export const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });
