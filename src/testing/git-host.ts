import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A Git host over HTTP that serves the repositories of a directory, optionally with Basic authentication. */
export interface TestGitHost {
  readonly origin: string;
  /** The `Authorization` header of every request that had one. */
  readonly authorizationHeaders: string[];
  /** Origins to which requests are redirected, by the prefix of the requested path. */
  readonly redirects: Map<string, string>;
  close(): Promise<void>;
}

/** Runs the CGI program of Git and forwards its response. */
function runBackend(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn(join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend'), {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const headers = output.subarray(0, end).toString('latin1').split('\r\n');
    for (const header of headers) {
      const [name = '', ...value] = header.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value.join(': '), 10);
      else response.setHeader(name, value.join(': '));
    }
    response.end(output.subarray(end + 4));
  });
}

/**
 * Starts a Git host for the repositories in a directory. If `account` is given, every request must authenticate as it.
 */
export async function startGitHost(
  directory: string,
  account?: { readonly user: string; readonly password: string },
): Promise<TestGitHost> {
  const authorizationHeaders: string[] = [];
  const redirects = new Map<string, string>();
  const expectedAuthorization =
    account === undefined ? null : `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) authorizationHeaders.push(authorization);
    const [, targetOrigin] = [...redirects].find(([prefix]) => request.url?.startsWith(prefix)) ?? [];
    if (targetOrigin !== undefined) response.writeHead(302, { location: `${targetOrigin}${request.url}` }).end();
    else if (expectedAuthorization !== null && authorization !== expectedAuthorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    } else runBackend(directory, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizationHeaders,
    redirects,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
