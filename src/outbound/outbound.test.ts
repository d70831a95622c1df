import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { addressKindOf } from './addresses.ts';
import { createOutbound, OutboundError, type OutboundOptions, type OutboundResponse } from './outbound.ts';

const servers = new Set<Server>();
after(() => {
  for (const server of servers) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Starts a receiver on loopback that records its requests. */
async function startReceiver(handle: RequestListener) {
  const received: string[] = [];
  const server = http.createServer((request, response) => {
    received.push(`${request.method} ${request.headers.host}${request.url}`);
    handle(request, response);
  });
  return { port: await listen(server), received };
}

const LOOPBACK = [{ address: '127.0.0.1', family: 4 }];
const toLoopback: OutboundOptions = { policy: 'any', resolve: () => Promise.resolve(LOOPBACK) };

function send(url: string, options: OutboundOptions = toLoopback, body?: string): Promise<OutboundResponse> {
  return createOutbound(options).send({
    url,
    method: 'POST',
    headers: {},
    timeoutMs: 5_000,
    maxResponseBytes: 1_000,
    ...(body !== undefined && { body }),
  });
}

const rejectsWith = (result: Promise<unknown>, pattern: RegExp) =>
  assert.rejects(result, (error) => error instanceof OutboundError && pattern.test(error.message));

test('addresses are classified as public, private or special, including embedded IPv4 addresses', () => {
  const kinds = {
    public: ['8.8.8.8', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8', '64:ff9b::808:808'],
    private: ['10.1.2.3', '172.31.255.255', '192.168.0.1', '100.64.0.1', 'fc00::1', 'fdff::1', '::ffff:10.0.0.1'],
    special: [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '169.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
      '203.0.113.1',
      'not-an-address',
      'fe80::1%eth0',
      '::',
      '::1',
      '::7f00:1',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '0:0:0:0:0:ffff:7f00:1',
      'fe80::1',
      'fec0::1',
      'ff02::1',
      '2002:7f00:1::',
      '2001:0:1::1',
      '2001:db8::1',
      '64:ff9b::a9fe:a9fe',
      '64:ff9b:1::1',
      'fd00:ec2::254',
      'fd20:ce::254',
    ],
  };
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) assert.equal(addressKindOf(address), kind, address);
  }
});

test('a URL that the policy excludes is refused before its name is resolved', () => {
  const refuses = (policy: OutboundOptions['policy'], url: string) =>
    createOutbound({ policy }).refusalOf(url) !== null;
  const special = [
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'http://a.localhost./',
    'http://169.254.169.254/latest/',
  ];
  for (const url of special) {
    assert.deepEqual([refuses('public', url), refuses('private', url), refuses('any', url)], [true, true, false], url);
  }
  for (const url of ['http://10.0.0.1/', 'https://[fd00::1]/']) {
    assert.deepEqual([refuses('public', url), refuses('private', url), refuses('any', url)], [true, false, false], url);
  }
  for (const url of ['https://8.8.8.8/', 'https://hooks.example/x']) assert.equal(refuses('public', url), false, url);
  for (const url of ['ftp://hooks.example/', 'file:///etc/passwd', 'x', 'https://a:b@hooks.example/'])
    assert.equal(refuses('any', url), true, url);
});

test('a host name is resolved once, and the request is sent to the resolved address with the name in the Host header', async () => {
  const receiver = await startReceiver((request, response) => request.pipe(response.writeHead(201, { 'x-a': '1' })));
  let resolved = 0;
  const resolve = () => Promise.resolve(resolved++ === 0 ? LOOPBACK : []);
  const url = `http://hooks.example:${receiver.port}/x?y=1`;
  const { status, headers, body } = await send(url, { policy: 'any', resolve }, 'hello');
  assert.deepEqual([status, headers['x-a'], body.toString(), resolved], [201, '1', 'hello', 1]);
  assert.deepEqual(receiver.received, [`POST hooks.example:${receiver.port}/x?y=1`]);
});

test('a name is refused without a connection if the policy excludes all its addresses, or if it cannot be resolved', async () => {
  const receiver = await startReceiver((_, response) => response.end());
  const url = `http://hooks.example:${receiver.port}/`;
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '169.254.169.254']) {
    const resolve = () => Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
    await rejectsWith(send(url, { policy: 'private', resolve }), /DEVPILOT_OUTBOUND/);
  }
  const resolve = () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]);
  await rejectsWith(send(url, { policy: 'public', resolve }), /must be at a public address/);
  await rejectsWith(send(url, { policy: 'any', resolve: () => Promise.reject(new Error('ENOTFOUND')) }), /resolved/);
  assert.deepEqual(receiver.received, []);
});

test('redirects are not followed', async () => {
  const target = await startReceiver((_, response) => response.end());
  const location = `http://127.0.0.1:${target.port}/`;
  const receiver = await startReceiver((_, response) => response.writeHead(307, { location }).end());
  assert.equal((await send(`http://hooks.example:${receiver.port}/`)).status, 307);
  assert.deepEqual(target.received, []);
});

test('the duration and the size of a response are limited', async () => {
  const endless = await startReceiver((request, response) => {
    if (request.url === '/silent') return;
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      response.once('drain', write);
    };
    if (request.url === '/long') write();
    else response.write('x');
  });
  const { status, body } = await send(`http://hooks.example:${endless.port}/long`);
  assert.deepEqual([status, body.length], [200, 1_000]);
  const limits = { timeoutMs: 100, maxResponseBytes: 1_000, method: 'GET', headers: {} } as const;
  for (const path of ['silent', 'trickle']) {
    const url = `http://hooks.example:${endless.port}/${path}`;
    await rejectsWith(createOutbound(toLoopback).send({ url, ...limits }), /^No complete response within 0\.1 s\.$/);
  }
  const resolve = () => new Promise<never>(() => undefined);
  const url = 'http://hooks.example/';
  await rejectsWith(createOutbound({ policy: 'any', resolve }).send({ url, ...limits }), /No complete response within/);
});

test('a request fails before its timeout if it is aborted, or if the connection ends or switches protocols without a final response', async () => {
  for (const [bytes, pattern] of [
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', /status 101/],
    ['HTTP/1.1 100 Continue\r\n\r\n', /connection/i],
    ['', /connection/i],
  ] as const) {
    const port = await listen(createServer((socket) => socket.once('data', () => socket.end(bytes))));
    await rejectsWith(send(`http://receiver.example:${port}/`), pattern);
  }
  const silent = await listen(
    createServer((socket) => socket.on('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'))),
  );
  const signal = AbortSignal.timeout(200);
  const limits = { timeoutMs: 60_000, maxResponseBytes: 1_000, signal };
  const url = `http://receiver.example:${silent}/`;
  await rejectsWith(
    createOutbound(toLoopback).send({ url, method: 'POST', headers: {}, ...limits }),
    /connection|cancelled/i,
  );
});

test('the error of a refused connection contains the cause', async () => {
  const server = http.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  await rejectsWith(send(`http://hooks.example:${port}/`), /ECONNREFUSED/);
});

test('a certificate for the host name is requested and verified, and a proxy receives the address that was checked', async () => {
  const directory = temporaryDirectory();
  const certificateNames = ['-subj', '/CN=hooks.example', '-addext', 'subjectAltName=DNS:hooks.example'];
  const options = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key', '-out', 'crt'];
  execFileSync('openssl', ['req', '-x509', ...options, ...certificateNames], { cwd: directory, stdio: 'ignore' });
  const serverNames: string[] = [];
  const receiver = https.createServer({
    key: readFileSync(join(directory, 'key')),
    cert: readFileSync(join(directory, 'crt')),
    SNICallback(name, done) {
      serverNames.push(name);
      done(null);
    },
  });
  const port = await listen(receiver);
  const url = `https://hooks.example:${port}/`;
  await rejectsWith(send(url), /DEPTH_ZERO_SELF_SIGNED_CERT/);

  const proxiedAddresses: string[] = [];
  const proxy = http.createServer().on('connect', (request, socket) => {
    proxiedAddresses.push(request.url ?? '');
    const upstream = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    upstream
      .on('error', () => undefined)
      .pipe(socket.on('error', () => undefined))
      .pipe(upstream);
  });
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${await listen(proxy)}` };
  await rejectsWith(send(url, { ...toLoopback, environment }), /DEPTH_ZERO_SELF_SIGNED_CERT/);
  assert.deepEqual([proxiedAddresses, serverNames], [[`127.0.0.1:${port}`], ['hooks.example', 'hooks.example']]);
  await rejectsWith(send(url, { ...toLoopback, environment: { ...environment, NO_PROXY: '.example' } }), /DEPTH_ZERO/);
  assert.equal(proxiedAddresses.length, 1);
});
