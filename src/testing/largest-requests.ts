import { gzipSync } from 'node:zlib';

/** A request that is expensive to process: a hostile request, or one of the largest requests. */
export interface ExpensiveRequest {
  readonly operation: string;
  readonly description: string;
  send(): Promise<Response>;
}

export type HeaderFields = Readonly<Record<string, string>>;
/** The URL of the server, and the headers with which each kind of sender authenticates. */
export interface Senders {
  readonly url: string;
  readonly person: HeaderFields;
  /** For routes of access tokens. */
  readonly token: HeaderFields;
  /** For routes of API keys; the API key may run guards. */
  readonly key: HeaderFields;
  /** For Sentry's SDKs. */
  readonly errorKey: HeaderFields;
}

/** Sends a request and reads its response. Does not read the body of an NDJSON stream, which may be endless. */
export async function sendAndDrain(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (/ndjson/.test(response.headers.get('content-type') ?? '')) await response.body?.cancel();
  else await response.arrayBuffer();
  return response;
}

async function fetchCompletely(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return response;
}

const repeatTo = (part: string, bytes: number): string => part.repeat(Math.floor(bytes / part.length));

const EVENT_TIME = '2027-02-24T09:00:00.000Z';
const cloudEvent = (id: number, data: unknown) => ({
  specversion: '1.0',
  id: `${id}`,
  source: `/s${id}`,
  type: 't',
  data,
});
const frames = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    function: `f${n}`,
    filename: `/app/${'d/'.repeat(100)}${n}.js`,
    lineno: n,
  }));

/** Builds requests, and has the headers of their senders. */
interface RequestBuilder extends Senders {
  post(path: string, description: string, headers: HeaderFields, body: () => string | Uint8Array): ExpensiveRequest;
  /** Builds a request by the person that changes the app's environment. */
  patchEnvironment(description: string, values: () => object): ExpensiveRequest;
  get(path: string, description: string, headers: HeaderFields): ExpensiveRequest;
  /** Builds requests by the person that store `count` large resources. */
  postMany(path: string, count: number, body: (n: number) => unknown): ExpensiveRequest[];
}

const JSON_TYPE = { 'content-type': 'application/json' };

function createRequestBuilder(senders: Senders): RequestBuilder {
  const { url, person } = senders;
  const post: RequestBuilder['post'] = (path, description, headers, body) => ({
    operation: `POST ${path}`,
    description,
    send: () => sendAndDrain(url + path, { method: 'POST', headers, body: body() as BodyInit }),
  });
  const environmentPath = '/v1/apps/shop/env';
  return {
    ...senders,
    post,
    patchEnvironment: (description, values) => ({
      operation: `PATCH ${environmentPath}`,
      description,
      send: () =>
        sendAndDrain(url + environmentPath, {
          method: 'PATCH',
          headers: { ...person, ...JSON_TYPE },
          body: JSON.stringify({ values: values() }),
        }),
    }),
    get: (path, description, headers) => ({
      operation: `GET ${path.split('?')[0]}`,
      description,
      send: () => sendAndDrain(url + path, { headers }),
    }),
    postMany: (path, count, body) =>
      Array.from({ length: count }, (_, n) =>
        post(path, `one of ${count} large requests`, { ...person, ...JSON_TYPE }, () => JSON.stringify(body(n))),
      ),
  };
}

function createActivityRequests({ token, post, get }: RequestBuilder): ExpensiveRequest[] {
  const batch = { ...token, 'content-type': 'application/cloudevents-batch+json' };
  return [
    post('/v1/activity/events', 'a batch of empty objects', batch, () => `[${repeatTo('{},', 8_000_000)}{}]`),
    post('/v1/activity/events', 'a batch of nested arrays', batch, () => repeatTo('[', 8_000_000)),
    post('/v1/activity/events', 'the largest batch, of texts', batch, () =>
      JSON.stringify(Array.from({ length: 1_000 }, (_, n) => cloudEvent(n, 'x'.repeat(8_000)))),
    ),
    post('/v1/activity/events', 'the largest batch, of values', batch, () =>
      JSON.stringify(
        Array.from({ length: 1_000 }, (_, n) =>
          cloudEvent(
            n + 1_000,
            Array.from({ length: 3_900 }, () => 0),
          ),
        ),
      ),
    ),
    post('/v1/activity/events', 'events of 64 KiB', batch, () =>
      JSON.stringify(
        Array.from({ length: 120 }, (_, n) =>
          cloudEvent(
            n + 2_000,
            Array.from({ length: 32_000 }, () => 0),
          ),
        ),
      ),
    ),
    get('/v1/activity/events?limit=200', 'a page of large events', token),
    get('/v1/activity/events', 'all events as CSV', { ...token, accept: 'text/csv' }),
  ];
}

function createErrorRequests({ token, errorKey, post, get, postMany }: RequestBuilder): ExpensiveRequest[] {
  const compressed = { ...errorKey, 'content-encoding': 'gzip' };
  const envelope = (events: readonly string[]) =>
    gzipSync(['{}', ...events.flatMap((event) => ['{"type":"event"}', event])].join('\n'));
  const event = (n: number) =>
    JSON.stringify({
      message: 'm'.repeat(8_000),
      tags: Object.fromEntries(Array.from({ length: 200 }, (_, t) => [`t${t}`, `${n}`])),
      exception: { values: [{ type: `E${n}`, value: 'v', stacktrace: { frames: frames(200) } }] },
    });
  return [
    post('/api/1/envelope/', 'a bomb of nested arrays', compressed, () => envelope([repeatTo('[', 4_000_000)])),
    post('/api/1/envelope/', 'a bomb of tags', compressed, () =>
      envelope([`{"tags":{${repeatTo('"a":1,', 7_000_000)}"a":1}}`]),
    ),
    post('/api/1/envelope/', 'a hundred large events', compressed, () =>
      envelope(Array.from({ length: 100 }, (_, n) => event(n))),
    ),
    post('/api/1/envelope/', 'an event with the maximum number of values', compressed, () =>
      envelope([`{"extra":[${'{},'.repeat(24_000)}{}]}`]),
    ),
    post('/v1/errors/events', 'the longest stack', { ...token, ...JSON_TYPE }, () =>
      JSON.stringify({ type: 'E', message: 'm', stack: `${'at '.repeat(300)}\n`.repeat(70) }),
    ),
    ...postMany('/v1/errors/events', 110, () => ({
      type: 'E',
      message: 'm'.repeat(8_000),
      stack: 's\n'.repeat(32_000),
    })),
    get('/v1/errors/issues?limit=200', 'a page of issues', token),
  ];
}

function createGuardRequests({ key, post }: RequestBuilder): ExpensiveRequest[] {
  // IPv6 addresses are several times as expensive to check as IPv4 addresses.
  const addresses = Array.from({ length: 20 }, (_, n) => ({
    address: `2001:db8:1234:5678:9abc:def0:1234:${1_000 + n}`,
    first: EVENT_TIME,
    last: EVENT_TIME,
  }));
  const uses = Array.from({ length: 500 }, (_, n) => ({
    credentialId: `tok_${n}`,
    count: 1,
    lastUsedAt: EVENT_TIME,
    addresses,
  }));
  return [
    post('/v1/guards/uses', 'the largest report', { ...key, ...JSON_TYPE }, () =>
      JSON.stringify({ guard: 'q3Zr9yF0T2mJwXk7B1dNhA', chunk: 1, uses }),
    ),
    post('/v1/guards/uses', 'a report of invalid entries', { ...key, ...JSON_TYPE }, () =>
      JSON.stringify({ guard: 'q3Zr9yF0T2mJwXk7B1dNhA', chunk: 1, uses: Array.from({ length: 24_000 }, () => ({})) }),
    ),
  ];
}

function createAppRequests({ token, key, patchEnvironment, get, postMany }: RequestBuilder): ExpensiveRequest[] {
  const hooks = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ name: `Hook ${n}`, stage: 'post_setup', run: 'x'.repeat(8_000) }));
  return [
    patchEnvironment('almost the maximum number of invalid names', () =>
      Object.fromEntries(Array.from({ length: 1_990 }, (_, n) => [`-${n}`, 1])),
    ),
    patchEnvironment('the largest environment', () =>
      Object.fromEntries(Array.from({ length: 68 }, (_, n) => [`N${n}`, 'v'.repeat(60_000)])),
    ),
    patchEnvironment('the maximum number of changes', () =>
      Object.fromEntries([
        ...Array.from({ length: 1_000 }, (_, n) => [`N${n}`, null]),
        ...Array.from({ length: 1_000 }, (_, n) => [`M${n}`, 'v'.repeat(4_000)]),
      ]),
    ),
    get('/v1/apps/shop/env', 'the largest environment', token),
    get('/v1/apps/shop/env?format=dotenv', 'the largest environment as dotenv', token),
    ...postMany('/v1/apps', 60, (n) => ({ name: `App ${n}`, projectId: 'shop', hooks: hooks(50) })),
    get('/v1/apps?limit=200', 'a page of large apps', key),
  ];
}

function createAuditRequests({ url, person, get }: RequestBuilder): ExpensiveRequest[] {
  return [
    get('/v1/audit-events?limit=200', 'a page of the activity log', person),
    {
      operation: 'GET /v1/audit-events',
      description: 'all events as NDJSON',
      send: () => fetchCompletely(`${url}/v1/audit-events`, { headers: { ...person, accept: 'application/x-ndjson' } }),
    },
  ];
}

/**
 * Returns requests that are as large as the limits of the API allow, most of them valid, and compressed ones that
 * exceed the limit when decompressed. Requests that store resources precede requests that list them.
 */
export function createLargestRequests(senders: Senders): ExpensiveRequest[] {
  const builder = createRequestBuilder(senders);
  return [
    createActivityRequests,
    createErrorRequests,
    createGuardRequests,
    createAppRequests,
    createAuditRequests,
  ].flatMap((create) => create(builder));
}
