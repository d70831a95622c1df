import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { startWebhookReceiver } from '../src/testing/webhook-receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const BRIDGE = join(import.meta.dirname, '../deploy/webhook-bridge.mjs');
const MESSAGE = {
  type: 'deployment.failed',
  timestamp: '2026-12-10T12:00:00.000Z',
  data: {
    workspaceId: 'wsp_1',
    action: 'deployment.failed',
    target: { kind: 'deployment', id: 'dpl_1', name: 'Shop' },
    actor: { kind: 'person', id: 'per_1', name: 'Ada' },
  },
};

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill();
});

/** Starts the bridge. Returns a function that sends it a message and returns the status of its response. */
async function startBridge(environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], PORT: '0', WEBHOOK_SECRET: SECRET, ...environment };
  const child = spawn(process.execPath, [BRIDGE], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => resolve(/http:\S+/.exec(chunk.toString())?.[0] ?? ''));
    child.once('exit', (code) => reject(new Error(`The bridge exited with code ${code}.`)));
  });
  return async (id: string, secret = SECRET): Promise<number> => {
    const body = JSON.stringify(MESSAGE);
    const now = new Date();
    const signature = new Webhook(secret).sign(id, now, body);
    const timestamp = String(Math.floor(now.getTime() / 1000));
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,other ${signature}` };
    return (await fetch(url, { method: 'POST', body, headers })).status;
  };
}

test('the bridge forwards each verified message to its target (ntfy, Loki or PagerDuty) once, and again only if the target failed', async () => {
  const receiver = await startWebhookReceiver();
  const { origin } = new URL(receiver.url);
  const targets = [
    {
      environment: { TARGET: 'ntfy', NTFY_URL: `${origin}/deployments` },
      body: {
        topic: 'deployments',
        title: 'deployment.failed: Shop',
        message: `Ada · ${MESSAGE.timestamp}`,
        priority: 4,
      },
    },
    {
      environment: { TARGET: 'loki', LOKI_URL: origin },
      body: {
        streams: [
          {
            stream: { job: 'devpilot', type: 'deployment.failed', workspace: 'wsp_1' },
            values: [['1796904000000000000', JSON.stringify(MESSAGE.data)]],
          },
        ],
      },
    },
    {
      environment: { TARGET: 'pagerduty', PAGERDUTY_URL: receiver.url, PAGERDUTY_ROUTING_KEY: 'R0UT1NG' },
      body: {
        routing_key: 'R0UT1NG',
        event_action: 'trigger',
        dedup_key: 'msg_1',
        payload: {
          summary: 'deployment.failed: Shop',
          source: 'devpilot wsp_1',
          severity: 'error',
          timestamp: MESSAGE.timestamp,
          custom_details: MESSAGE.data,
        },
      },
    },
  ];
  for (const { environment, body } of targets) {
    const send = await startBridge(environment);
    receiver.messages.length = 0;
    receiver.respond = (response) => response.writeHead(503).end();
    assert.equal(await send('msg_1'), 502, 'the sender must send the message again');
    receiver.respond = (response) => response.writeHead(204).end();
    assert.deepEqual([await send('msg_1'), await send('msg_1')], [204, 204]);
    assert.equal(await send('msg_2', `whsec_${Buffer.alloc(32, 8).toString('base64')}`), 401);
    assert.deepEqual(
      receiver.messages.map((received) => JSON.parse(received.body) as unknown),
      [body, body],
    );
  }
  await receiver.close();
});

test('the bridge appends verified messages to a file that a log shipper can read, and skips duplicates', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'devpilot.ndjson');
  const send = await startBridge({ TARGET: 'file', LOG_FILE: file });
  assert.deepEqual([await send('msg_1'), await send('msg_1'), await send('msg_2')], [204, 204, 204]);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    ['msg_1', 'msg_2'].map((id) => ({ id, ...MESSAGE })),
  );
});
