import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { createOutbound } from '../outbound/outbound.ts';
import { createSeal } from '../store/seal.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { type AttemptResult, attemptDelivery } from './attempt.ts';
import { createMessageId, createWebhookSecret } from './message.ts';
import { nextAttemptAt } from './retries.ts';
import { webhookSecretAssociatedData } from './webhooks.ts';

const seal = createSeal([Buffer.alloc(32, 1)]);
const outbound = createOutbound({ policy: 'any' });
const identity = { workspace_id: 'wsp_1', id: 'whk_1' };
const secret = createWebhookSecret();
const message = { id: createMessageId(Date.now()), body: '{"type":"webhook.test","text":"é"}' };

function attempt(url: string, attemptTimeoutMs?: number): Promise<AttemptResult> {
  const webhook = {
    ...identity,
    name: 'Receiver',
    url,
    events: '[]',
    format: 'standard',
    active: 1,
    is_ordered: 0,
    sequence: 0,
    secret_sealed: seal.seal(secret, webhookSecretAssociatedData(identity)),
    previous_secret_sealed: null,
    previous_secret_until: null,
    created_at: 0,
    updated_at: 0,
    failing_since: null,
    last_delivered_at: null,
    switched_off_at: null,
    owner: null,
    lease_until: null,
  };
  const context = { seal, outbound, ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }) };
  return attemptDelivery(context, webhook, message, Date.now(), new AbortController().signal);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface ReceivedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function startReceiver(
  respond: (response: http.ServerResponse, received: ReceivedRequest) => void,
): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    respond(response, { headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

/** Starts a receiver with a self-signed certificate, which no client trusts. */
async function startUntrustedReceiver(): Promise<string> {
  const directory = temporaryDirectory();
  const options = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key', '-out', 'crt', '-subj', '/CN=x'];
  execFileSync('openssl', ['req', '-x509', ...options], { cwd: directory, stdio: 'ignore' });
  const server = https.createServer({
    key: readFileSync(join(directory, 'key')),
    cert: readFileSync(join(directory, 'crt')),
  });
  return `https://127.0.0.1:${await listen(server)}/`;
}

/** Verifies a message as the Standard Webhooks specification describes, using only Python's standard library. */
const PYTHON_VERIFIER = `
import base64, hashlib, hmac, json, sys, time
message = json.load(sys.stdin)
headers, body = message['headers'], message['body']
key = base64.b64decode(message['secret'].removeprefix('whsec_'))
assert abs(time.time() - int(headers['webhook-timestamp'])) < 300
content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
signatures = [s.split(',', 1) for s in headers['webhook-signature'].split(' ')]
print(any(version == 'v1' and hmac.compare_digest(s, expected) for version, s in signatures))
`;

test('the Standard Webhooks library and an independent implementation in Python accept the signature', async () => {
  const messages: ReceivedRequest[] = [];
  const url = await startReceiver((response, received) => {
    messages.push(received);
    response.writeHead(204).end();
  });
  assert.equal((await attempt(url)).delivered, true);
  const [received] = messages;
  assert.ok(received !== undefined);
  assert.deepEqual(new StandardWebhook(secret).verify(received.body, received.headers), JSON.parse(message.body));
  const verify = (key: string) =>
    execFileSync('python3', ['-c', PYTHON_VERIFIER], {
      input: JSON.stringify({ ...received, secret: key }),
    }).toString();
  assert.equal(verify(secret), 'True\n');
  assert.equal(verify(createWebhookSecret()), 'False\n');
});

test('an attempt without a complete 2xx response fails with a reason', async () => {
  let redirectsFollowed = 0;
  const target = await startReceiver((response) => {
    redirectsFollowed++;
    response.end();
  });
  const verifierWithOtherSecret = new StandardWebhook(createWebhookSecret());
  const faults: readonly { respond: Parameters<typeof startReceiver>[0]; expected: Partial<AttemptResult> }[] = [
    {
      respond: (response) => response.writeHead(500).end('broken'),
      expected: { responseStatus: 500, responseBody: 'broken', error: 'The receiver responded with 500.' },
    },
    {
      respond: (response) => response.writeHead(308, { location: target }).end(),
      expected: { responseStatus: 308, error: 'The receiver responded with 308.' },
    },
    {
      respond(response, { body, headers }) {
        try {
          verifierWithOtherSecret.verify(body, headers);
          response.writeHead(204).end();
        } catch (error) {
          response.writeHead(401).end((error as Error).message);
        }
      },
      expected: { responseStatus: 401, responseBody: 'No matching signature found' },
    },
    { respond: (response) => response.writeHead(410).end(), expected: { responseStatus: 410, gone: true } },
    {
      respond: (response) => response.writeHead(429, { 'retry-after': '120' }).end(),
      expected: { responseStatus: 429, retryAfter: '120' },
    },
    {
      respond: (response) => response.writeHead(500).end('x'.repeat(10_000_000)),
      expected: { responseStatus: 500, responseBody: 'x'.repeat(4_096) },
    },
    {
      respond: (response) => response.socket?.resetAndDestroy(),
      expected: { responseStatus: null, error: 'The connection failed: ECONNRESET.' },
    },
  ];
  for (const { respond, expected } of faults) {
    const result = await attempt(await startReceiver(respond));
    assert.partialDeepStrictEqual(result, { delivered: false, gone: false, ...expected });
  }
  assert.equal(redirectsFollowed, 0, 'redirects are not followed');
  const untrusted = await attempt(await startUntrustedReceiver());
  assert.deepEqual(
    [untrusted.delivered, untrusted.error],
    [false, 'The connection failed: DEPTH_ZERO_SELF_SIGNED_CERT.'],
  );
  const slow = await attempt(await startReceiver((response) => response.writeHead(200).write('x')), 100);
  assert.deepEqual([slow.delivered, slow.error], [false, 'No complete response within 0.1 s.']);
});

test('the pauses between attempts grow until the last attempt, which is made after three days', () => {
  const times = [0];
  for (let attempts = 1; ; attempts++) {
    const next = nextAttemptAt(times.at(-1) ?? 0, 0, attempts, undefined);
    if (next === null) break;
    times.push(next);
  }
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.deepEqual(pauses.slice(0, 3), [5_000, 30_000, 120_000]);
  assert.deepEqual(
    pauses.slice(0, -1),
    [...pauses.slice(0, -1)].sort((a, b) => a - b),
  );
  assert.equal(times.at(-1), 3 * 24 * 3_600_000, 'the last attempt is made after three days');
});

test('a receiver can lengthen the pause with Retry-After, up to eight hours', () => {
  assert.equal(nextAttemptAt(0, 0, 1, '900'), 900_000);
  assert.equal(nextAttemptAt(0, 0, 1, '999999'), 8 * 3_600_000);
  assert.equal(nextAttemptAt(0, 0, 1, 'soon'), 5_000, 'an invalid Retry-After header is ignored');
});
