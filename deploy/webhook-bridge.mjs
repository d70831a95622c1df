// Receives webhook messages of Devpilot, verifies them, and forwards them to a service in the format that it requires. Needs
// Node.js 20 or later, and no packages:
//   WEBHOOK_SECRET=whsec_… TARGET=ntfy NTFY_URL=https://ntfy.sh/my-topic node webhook-bridge.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { WEBHOOK_SECRET = '', TARGET = '', PORT = '8788', HOST = '127.0.0.1', ...environment } = process.env;
const MAX_BODY_BYTES = 1_000_000;
const MAX_AGE_SECONDS = 300;

/** Returns whether one of the signatures was made with the secret, and the message is recent (Standard Webhooks). */
function isAuthentic(headers, body) {
  const timestamp = Number(headers['webhook-timestamp']);
  if (!(Math.abs(Date.now() / 1000 - timestamp) < MAX_AGE_SECONDS)) return false;
  const key = Buffer.from(WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');
  const content = `${headers['webhook-id']}.${timestamp}.${body}`;
  const expected = Buffer.from(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => Buffer.from(signature))
    .some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected));
}

const isFailure = ({ type }) => /failed|denied|expired|leaked|error\./.test(type);
const summarize = ({ type, data }) => `${data.action ?? type}${data.target?.name ? `: ${data.target.name}` : ''}`;

async function post(url, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), redirect: 'manual' });
  if (!response.ok) throw new Error(`${new URL(url).host} responded with ${response.status}`);
}

/**
 * The function that forwards a message, by value of TARGET. It rejects if the service did not accept the message, so that
 * Devpilot sends it again.
 */
const TARGETS = {
  ntfy(message) {
    const url = new URL(environment.NTFY_URL);
    const topic = url.pathname.slice(1);
    const priority = isFailure(message) ? 4 : 3;
    return post(url.origin, {
      topic,
      title: summarize(message),
      message: `${message.data.actor?.name ?? 'Devpilot'} · ${message.timestamp}`,
      priority,
    });
  },
  loki(message) {
    const nanoseconds = `${Date.parse(message.timestamp)}000000`;
    const stream = { job: 'devpilot', type: message.type, workspace: message.data.workspaceId };
    return post(`${environment.LOKI_URL}/loki/api/v1/push`, {
      streams: [{ stream, values: [[nanoseconds, JSON.stringify(message.data)]] }],
    });
  },
  pagerduty(message, id) {
    return post(environment.PAGERDUTY_URL ?? 'https://events.pagerduty.com/v2/enqueue', {
      routing_key: environment.PAGERDUTY_ROUTING_KEY,
      event_action: 'trigger',
      dedup_key: id,
      payload: {
        summary: summarize(message).slice(0, 1024),
        source: `devpilot ${message.data.workspaceId}`,
        severity: isFailure(message) ? 'error' : 'info',
        timestamp: message.timestamp,
        custom_details: message.data,
      },
    });
  },
  /** Appends to an NDJSON file that a log shipper reads, such as Fluent Bit, Vector, Filebeat or Splunk's forwarder. */
  async file(message, id) {
    appendFileSync(environment.LOG_FILE, `${JSON.stringify({ id, ...message })}\n`, { mode: 0o600, flush: true });
  },
};

const forward = TARGETS[TARGET];
if (forward === undefined) throw new Error(`TARGET must be one of: ${Object.keys(TARGETS).join(', ')}.`);

/** IDs of messages that were forwarded, the newest 10,000: a message can arrive more than once. */
const forwardedIds = new Set();

/** Forwards the message of a request. Returns the status of the response. */
async function handle(request) {
  const chunks = [];
  let bodyBytes = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    bodyBytes += chunk.length;
    if (bodyBytes > MAX_BODY_BYTES) return 413;
  }
  const body = Buffer.concat(chunks).toString();
  const id = request.headers['webhook-id'];
  if (!isAuthentic(request.headers, body)) return 401;
  if (forwardedIds.has(id)) return 204;
  await forward(JSON.parse(body), id);
  forwardedIds.add(id);
  if (forwardedIds.size > 10_000) forwardedIds.delete(forwardedIds.values().next().value);
  return 204;
}

const server = createServer((request, response) => {
  handle(request)
    .catch((error) => {
      process.stderr.write(`${error.message}\n`);
      return 502;
    })
    .then((status) => response.writeHead(status).end());
});
server.listen(Number(PORT), HOST, () => {
  process.stdout.write(`Receiving webhooks at http://${HOST}:${server.address().port}\n`);
});
