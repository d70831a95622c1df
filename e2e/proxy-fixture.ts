import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import { until } from '../src/testing/until.ts';

/** The GUID of RFC 6455 from which a server computes `Sec-WebSocket-Accept`. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A service behind a proxy. It records the requests that it receives. */
export interface ProtectedService {
  readonly port: number;
  readonly requests: { headers: IncomingHttpHeaders; raw: string[]; method: string; url: string; body: string }[];
  close(): void;
}

const listenOnFreePort = (server: Server | ReturnType<typeof createTcpServer>): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

export async function startProtectedService(): Promise<ProtectedService> {
  const requests: ProtectedService['requests'] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on('end', () => {
      const { headers, rawHeaders, method = '', url = '' } = incoming;
      requests.push({ headers, raw: rawHeaders, method, url, body });
      response.statusCode = url === '/broken' ? 500 : 200;
      response.end('service');
    });
  });
  server.on('upgrade', ({ headers, rawHeaders, method = '', url = '' }, socket) => {
    requests.push({ headers, raw: rawHeaders, method, url, body: '' });
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64');
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`;
    socket.on('error', () => socket.destroy());
    socket.end(`${head}\r\n\r\n`);
  });
  const port = await listenOnFreePort(server);
  return { port, requests, close: () => server.close() };
}

/**
 * A TCP forwarder between a proxy and Devpilot. While it is `cut`, it resets connections; while it is `stalled`, it
 * accepts them and forwards nothing.
 */
export interface InterruptibleConnection {
  readonly port: number;
  set(state: 'open' | 'stalled' | 'cut'): void;
  close(): void;
}

export async function startInterruptibleConnection(targetPort: number): Promise<InterruptibleConnection> {
  let state: 'open' | 'stalled' | 'cut' = 'open';
  const sockets = new Set<Socket>();
  const trackSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const server = createTcpServer((socket) => {
    trackSocket(socket);
    if (state === 'cut') socket.resetAndDestroy();
    if (state !== 'open') return;
    const upstream = connect(targetPort, '127.0.0.1');
    trackSocket(upstream);
    socket.pipe(upstream).pipe(socket);
  });
  const port = await listenOnFreePort(server);
  const destroySockets = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    set(newState) {
      state = newState;
      destroySockets();
    },
    close() {
      server.close();
      destroySockets();
    },
  };
}

/** Returns a guide's first code block in a language, with each key of `replacements` replaced by its value. */
export function readGuideBlock(
  guide: string,
  language: string,
  replacements: Readonly<Record<string, string>>,
): string {
  const text = readFileSync(new URL(`../docs/guides/${guide}`, import.meta.url), 'utf8');
  let block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? '';
  for (const [from, to] of Object.entries(replacements)) {
    assert.ok(block.includes(from), `${guide} contains ${from}`);
    block = block.replaceAll(from, to);
  }
  return block;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a request whose headers are spelled exactly as given, to the host app.example.com. */
export function sendRawRequest(
  port: number,
  headers: Readonly<Record<string, string>>,
  { method = 'GET', path = '/', body = '' } = {},
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const allHeaders = { host: 'app.example.com', ...headers };
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers: allHeaders, agent: false });
    outgoing.on('error', reject);
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: '' });
    });
    outgoing.on('response', (incoming: IncomingMessage) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
    });
    outgoing.end(body);
  });
}

/** Waits until a process accepts connections on a port. If the process ends first, throws an error with its log. */
export async function waitUntilListening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The proxy ended: ${log()}`);
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.unref();
      socket.once('connect', () => socket.destroy());
    });
    if (reached) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Starts Caddy with the configuration of `deploy/tls` at https://localhost:PORT, with a certificate of Caddy's own
 * authority.
 */
export async function startCaddy(directory: string, port: number, devpilotUrl: string): Promise<CaddyProcess> {
  ensureCommand('caddy');
  // Additional options for tests: not port 80, and no certificate installed into the machine's store.
  const options = `{\n\tadmin off\n\thttp_port ${await freePort()}\n\tskip_install_trust\n}\n`;
  const site = readFileSync(new URL('../deploy/tls/Caddyfile', import.meta.url), 'utf8');
  const file = join(directory, 'Caddyfile');
  writeFileSync(file, options + site.replace('devpilot:4000', new URL(devpilotUrl).host));
  const environment = { HOME: directory, XDG_DATA_HOME: directory, DEVPILOT_HOST: `localhost:${port}` };
  const child = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], ...environment },
  });
  const authorityFile = join(directory, 'caddy/pki/authorities/local/root.crt');
  await waitUntilListening(port, child, () => 'Caddy');
  await until(async () => existsSync(authorityFile));
  return {
    authorityFile,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export interface CaddyProcess {
  /** The path of the certificate of Caddy's authority. */
  readonly authorityFile: string;
  close(): Promise<void>;
}
