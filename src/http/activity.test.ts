import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { CloudEvent, HTTP } from 'cloudevents';
import type { ActivityEvent, Analytics } from '../contract/activity.ts';
import { DAY, HOUR } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { SCOPES } from '../contract/vocabulary.ts';
import { deleteExpiredActivity } from '../platform/activity/activity.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

const NOW = Date.parse('2027-02-24T09:30:00.000Z');
const PATH = '/v1/activity/events';
interface SentCounts {
  accepted: number;
  duplicates: number;
}

forEachEngine('the activity tracker', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => NOW, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  /** Creates a workspace for one test, with one credential to send events and another to read them. */
  async function createTracker() {
    const person = await createWorkspaceFor(owner, testServer, 'Tracked');
    const [sender, reader] = await Promise.all([
      createToken(person, ['activity_tracker']),
      createToken(person, ['activity_tracker_analytics']),
    ]);
    const send = <Body = SentCounts>(
      body: string | Uint8Array | undefined,
      headers: Record<string, string>,
    ): Promise<TestResponse<Body>> =>
      testServer.call<Body>(PATH, { method: 'POST', body, headers: { ...headers, ...bearer(sender.secret) } });
    return {
      person,
      send,
      sendBatch: <Body = SentCounts>(events: readonly unknown[]) =>
        send<Body>(JSON.stringify(events), { 'content-type': 'application/cloudevents-batch+json' }),
      async listEvents(query = ''): Promise<ActivityEvent[]> {
        const response = await testServer.call<Page<ActivityEvent>>(PATH + query, { headers: bearer(reader.secret) });
        assert.equal(response.status, 200, response.text);
        return response.body.data;
      },
      async readChart(query: string): Promise<Analytics> {
        const path = `/v1/activity/analytics?${query}`;
        const response = await testServer.call<Analytics>(path, { headers: bearer(reader.secret) });
        assert.equal(response.status, 200, response.text);
        return response.body;
      },
    };
  }
  let createdEvents = 0;
  const event = (attributes: object = {}) => ({
    specversion: '1.0',
    id: `event-${createdEvents++}`,
    source: '/shop',
    type: 'order.placed',
    ...attributes,
  });

  test('events and charts can be requested as CSV, complete beyond one page and with formulas escaped', async () => {
    const { person, sendBatch } = await createTracker();
    const time = new Date(NOW).toISOString();
    const oneHourAgo = new Date(NOW - HOUR).toISOString();
    const formula = { id: 'formula', type: '=1+1', subject: 'a,"b"', time, data: { total: 42 } };
    await sendBatch([event(formula), ...Array.from({ length: 450 }, () => event({ time: oneHourAgo }))]);
    const requestCsv = (path: string) => person.call<string>(path, { headers: { accept: 'text/csv' } });
    const events = await requestCsv(PATH);
    assert.equal(events.status, 200);
    assert.equal(events.headers.get('content-type'), 'text/csv; charset=utf-8');
    const lines = events.text.split('\r\n');
    assert.equal(lines.length, 1 + 451 + 1);
    assert.equal(lines[0], 'time,source,type,subject,id,data,receivedAt');
    assert.equal(lines[1], `${time},/shop,'=1+1,"a,""b""",formula,"{""total"":42}",${time}`);
    const chart = await requestCsv('/v1/activity/analytics?interval=hour&groupBy=type');
    const points = `2027-02-24T08:00:00.000Z,order.placed,450,0\r\n2027-02-24T09:00:00.000Z,'=1+1,1,1\r\n`;
    assert.equal(chart.text, `at,key,count,subjects\r\n${points}`);
    assert.equal((await requestCsv(`${PATH}?cursor=nonsense`)).status, 422);
    assert.equal((await requestCsv('/v1/activity/analytics?interval=week')).status, 422);
  });

  test('events of a CloudEvents SDK are stored alike, whether sent in binary, structured or batched mode', async () => {
    const { send, sendBatch, listEvents } = await createTracker();
    const time = '2027-02-24T08:00:00.123Z';
    const context = { source: 'https://shop.example.com/till', type: 'order.placed', subject: 'Zoë', time };
    const data = { total: 42, note: 'Straße "#1"' };
    const sent = ['one', 'two', 'three'].map((id) => new CloudEvent({ ...context, id, data }));
    const [binary, structured, batched] = sent as [CloudEvent<unknown>, CloudEvent<unknown>, CloudEvent<unknown>];
    for (const message of [HTTP.binary(binary), HTTP.structured(structured)]) {
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, encodeURI(String(value)).replaceAll('%20', ' ')]),
      );
      const response = await send(String(message.body), headers);
      assert.deepEqual([response.status, response.body], [201, { accepted: 1, duplicates: 0 }], response.text);
    }
    const batch = await sendBatch([batched, binary]);
    assert.deepEqual(batch.body, { accepted: 1, duplicates: 1 });
    const { source, type, subject } = context;
    assert.deepEqual(
      await listEvents(),
      ['three', 'two', 'one'].map((id) => ({
        id,
        source,
        type,
        subject,
        time,
        dataEncoding: 'json',
        attributes: id === 'one' ? { datacontenttype: 'application/json; charset=utf-8' } : {},
        receivedAt: new Date(NOW).toISOString(),
        data,
      })),
    );
  });

  test('secrets in events are masked before events are stored, and events that differ only in a secret stay distinct', async () => {
    const { person, send, sendBatch, listEvents, readChart } = await createTracker();
    const [{ secret }, { secret: otherSecret }] = await Promise.all([
      createKey(person, ['read']),
      createKey(person, ['read']),
    ]);
    const text = `for ${secret}`;
    const data = { [text]: [text, `"${secret}\\`], base: Buffer.from(text).toString('hex') };
    const sent = await sendBatch([
      event({ id: secret, source: text, type: text, subject: text, data }),
      event({ id: otherSecret, source: text }),
      event({ datacontenttype: 'application/json', data_base64: Buffer.from(JSON.stringify(text)).toString('base64') }),
    ]);
    assert.deepEqual(sent.body, { accepted: 3, duplicates: 0 }, sent.text);
    assert.deepEqual((await sendBatch([event({ id: secret, source: text })])).body, { accepted: 0, duplicates: 1 });
    const headers = { 'content-type': 'text/plain', 'ce-specversion': '1.0', 'ce-id': 'b', 'ce-source': 's' };
    assert.equal((await send(text, { ...headers, 'ce-type': secret })).status, 201);
    const events = await listEvents();
    assert.deepEqual(events.find(({ subject }) => subject === 'for [secret]')?.data, {
      'for [secret]': ['for [secret]', '"[secret]\\'],
      base: data.base,
    });
    const stored = JSON.stringify([
      events,
      await readChart('interval=day&groupBy=subject'),
      await readChart('interval=day&groupBy=type'),
    ]);
    for (const sentSecret of [secret, otherSecret]) assert.ok(!stored.includes(sentSecret.slice(4, 40)), stored);
  });

  test('text and binary data is stored, and an event without a time gets its time of arrival', async () => {
    const { send, listEvents } = await createTracker();
    const binary = (id: string, type: string) => ({
      'content-type': type,
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/bin',
      'ce-type': 'raw',
    });
    assert.equal((await send('plain words', binary('a', 'text/plain'))).status, 201);
    assert.equal((await send(new Uint8Array([0, 255, 1]), binary('b', 'application/octet-stream'))).status, 201);
    const encoded = event({ id: 'c', datacontenttype: 'application/json', data_base64: 'eyJhIjoxfQ==' });
    const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
    assert.equal((await send(JSON.stringify(encoded), structured)).status, 201);
    assert.deepEqual(
      (await listEvents()).map(({ id, data, time }) => [id, data, time]),
      [
        ['c', { a: 1 }, new Date(NOW).toISOString()],
        ['b', 'AP8B', new Date(NOW).toISOString()],
        ['a', 'plain words', new Date(NOW).toISOString()],
      ],
    );
  });

  test('extension attributes, binary data and numbers of any size are returned as they were sent, in each mode', async () => {
    const { person, send, sendBatch, listEvents } = await createTracker();
    const extensions = {
      comexampleextension1: 'value',
      sampled: false,
      sequence: 5,
      dataschema: 'https://shop.example.com/order',
    };
    const numbers = '{"id":9007199254740993,"price":0.1000000000000000055,"far":1e400,"plain":1.5}';
    const structured = `{"specversion":"1.0","id":"a","source":"/s","type":"t","unset":null,${JSON.stringify(extensions).slice(1, -1)},"data":${numbers}}`;
    const json = { 'content-type': 'application/cloudevents+json' };
    assert.equal((await send(structured, json)).status, 201);
    const binary = { 'ce-specversion': '1.0', 'ce-source': '/s', 'ce-type': 't' };
    const headers = {
      ...binary,
      'ce-id': 'b',
      'ce-sampled': 'false',
      'ce-datacontenttype': 'no/such',
      'content-type': 'application/json; charset=utf-8',
    };
    assert.equal((await send(numbers, { ...headers, 'ce-note': 'Stra%C3%9Fe%20%25' })).status, 201);
    const bytes = new Uint8Array([0xff, 0, 0x80]);
    const encoded = Buffer.from(bytes).toString('base64');
    assert.equal((await sendBatch([event({ id: 'c', data_base64: encoded, data: null })])).status, 201);
    assert.equal((await send(bytes, { ...binary, 'ce-id': 'd', 'content-type': 'image/png' })).status, 201);
    assert.equal(
      (await send('<much wow="xml"/>', { ...binary, 'ce-id': 'e', 'content-type': 'text/xml' })).status,
      201,
    );
    assert.equal((await send(bytes, { ...binary, 'ce-id': 'f' })).status, 201, 'without content type');
    assert.equal((await sendBatch([event({ id: 'g', data_base64: 'eyAieHl6IjogMTIzIH0=' })])).status, 201);
    assert.deepEqual(
      (await listEvents())
        .map(({ id, data, dataEncoding, attributes }) => [
          id,
          dataEncoding,
          attributes,
          dataEncoding === 'json' ? null : data,
        ])
        .sort(),
      [
        ['a', 'json', extensions, null],
        ['b', 'json', { sampled: 'false', note: 'Straße %', datacontenttype: 'application/json; charset=utf-8' }, null],
        ['c', 'base64', {}, encoded],
        ['d', 'base64', { datacontenttype: 'image/png' }, encoded],
        ['e', 'json', { datacontenttype: 'text/xml' }, null],
        ['f', 'base64', {}, encoded],
        ['g', 'base64', {}, 'eyAieHl6IjogMTIzIH0='],
      ],
    );
    const { text } = await person.call(PATH);
    assert.equal(text.split(numbers).length - 1, 2, 'both events have the numbers exactly as sent');
  });

  test('bodies can be compressed, and an unsupported encoding or a decompressed body over the limit is refused', async () => {
    const { send, listEvents } = await createTracker();
    const json = { 'content-type': 'application/cloudevents+json' };
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const sent = await send(compress(JSON.stringify(event({ id: encoding }))), {
        ...json,
        'content-encoding': encoding,
      });
      assert.equal(sent.status, 201, sent.text);
    }
    assert.equal((await listEvents()).length, 4);
    const bomb = gzipSync(Buffer.alloc(9 * 1_048_576, 32));
    for (const [body, encoding, status] of [
      ['x', 'gzip', 400],
      ['x', 'compress', 415],
      ['x', 'gzip, gzip', 415],
      [bomb, 'gzip', 413],
    ] as const) {
      assert.equal((await send(body, { ...json, 'content-encoding': encoding })).status, status, encoding);
    }
  });

  test("a webhook sender's handshake is accepted without a credential, but its events are not", async () => {
    const handshake = async (headers: Record<string, string>) => {
      const response = await testServer.call(PATH, { method: 'OPTIONS', headers });
      const header = (name: string) => response.headers.get(name);
      return [response.status, header('allow'), header('webhook-allowed-origin'), header('webhook-allowed-rate')];
    };
    const allow = 'GET, HEAD, POST, OPTIONS';
    const origin = { 'webhook-request-origin': 'events.example.com' };
    assert.deepEqual(await handshake(origin), [204, allow, 'events.example.com', '*']);
    assert.deepEqual(await handshake({ ...origin, 'webhook-request-rate': '120' }), [
      204,
      allow,
      'events.example.com',
      '120',
    ]);
    assert.deepEqual(await handshake({ ...origin, 'webhook-request-rate': '-1' }), [
      204,
      allow,
      'events.example.com',
      '*',
    ]);
    assert.deepEqual(await handshake({}), [204, allow, null, null]);
    assert.deepEqual(await handshake({ 'webhook-request-origin': 'a b' }), [204, allow, null, null]);
    const unauthorized = await testServer.call(PATH, { method: 'POST', body: event(), headers: origin });
    assert.equal(unauthorized.status, 401);
  });

  test('an event in binary mode needs no data', async () => {
    const { send, listEvents } = await createTracker();
    const attributes = { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/bin', 'ce-type': 'raw' };
    assert.equal((await send(undefined, attributes)).status, 201);
    assert.equal(
      (await send(undefined, { ...attributes, 'ce-id': 'b', 'content-type': 'application/json' })).status,
      201,
    );
    assert.deepEqual(
      (await listEvents()).map(({ id, data }) => [id, data]),
      [
        ['b', null],
        ['a', null],
      ],
    );
    const withoutId = await send<ProblemBody>(undefined, { ...attributes, 'ce-id': '' });
    assert.deepEqual([withoutId.status, withoutId.body.errors?.[0]?.field], [422, 'id']);
  });

  test('events with the same source and ID are stored and counted once, within a batch and across concurrent requests', async () => {
    const { sendBatch, listEvents, readChart } = await createTracker();
    const repeated = event({ id: 'same' });
    const fromOtherSource = event({ id: 'same', source: '/elsewhere' });
    const first = await sendBatch([repeated, repeated, fromOtherSource]);
    assert.deepEqual(first.body, { accepted: 2, duplicates: 1 });
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => sendBatch([repeated, event({ id: 'concurrent' })])),
    );
    assert.equal(
      responses.reduce((sum, { body }) => sum + body.accepted, 0),
      1,
    );
    assert.equal((await listEvents()).length, 3);
    assert.equal((await readChart('interval=day')).total, 3);
  });

  test("a batch with an invalid event is refused as a whole, and the error names the event's index", async () => {
    const { sendBatch, send, listEvents, readChart } = await createTracker();
    const invalidEvents: readonly [event: object | null | string, field: string][] = [
      [event({ type: '' }), 'type'],
      [event({ id: 7 }), 'id'],
      [event({ source: undefined }), 'source'],
      [event({ specversion: '0.3' }), 'specversion'],
      [event({ time: 'yesterday' }), 'time'],
      [event({ subject: '' }), 'subject'],
      [event({ type: 'a\0b' }), 'type'],
      [event({ type: 'x'.repeat(513) }), 'type'],
      [event({ data: 'x'.repeat(65_536) }), 'data'],
      [event({ data: 1, data_base64: 'AA==' }), 'data'],
      [event({ data_base64: '!' }), 'data_base64'],
      [event({ extension: { deep: 1 } }), 'extension'],
      [event({ extension: 1.5 }), 'extension'],
      [event({ extension: 'x'.repeat(513) }), 'extension'],
      [event({ 'no-such': 'x' }), 'extensions'],
      [event({ ['x'.repeat(65)]: 'x' }), 'extensions'],
      [event(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`x${index}`, 'x']))), 'extensions'],
      [null, 'specversion'],
      ['text', 'specversion'],
    ];
    for (const [invalidEvent, field] of invalidEvents) {
      const refused = await sendBatch<ProblemBody>([event(), event(), invalidEvent, event()]);
      assert.equal(refused.status, 422, `${field}: ${refused.text}`);
      assert.equal(refused.body.errors?.[0]?.field, `2.${field}`);
    }
    const tooManyEvents = await sendBatch<ProblemBody>(Array.from({ length: 1001 }, () => event()));
    assert.equal(tooManyEvents.status, 422);
    const structured = { 'content-type': 'application/cloudevents+json' };
    assert.equal((await send('{"id":', structured)).status, 400);
    assert.equal((await send(JSON.stringify(event({ id: '' })), structured)).status, 422);
    assert.equal((await send('<event/>', { 'content-type': 'application/cloudevents+xml' })).status, 415);
    assert.equal((await send('x', { 'content-type': 'text/plain' })).status, 415);
    assert.deepEqual(await listEvents(), []);
    assert.equal((await readChart('interval=minute')).total, 0);
    assert.deepEqual((await sendBatch(Array.from({ length: 1000 }, () => event()))).body.accepted, 1000);
  });

  test('counts and distinct subjects are returned per minute, hour and day, by type, source and subject', async () => {
    const { sendBatch, readChart } = await createTracker();
    const timeBefore = (ms: number) => new Date(NOW - ms).toISOString();
    await sendBatch([
      event({ type: 'viewed', source: '/a', subject: 'ada', time: timeBefore(0) }),
      event({ type: 'viewed', source: '/a', subject: 'ada', time: timeBefore(1000) }),
      event({ type: 'viewed', source: '/b', subject: 'bob', time: timeBefore(2 * HOUR) }),
    ]);
    await sendBatch([
      event({ type: 'viewed', source: '/b', subject: 'ada', time: timeBefore(2 * HOUR) }),
      event({ type: 'bought', source: '/a', time: timeBefore(3 * DAY) }),
    ]);
    const byType = await readChart('interval=day&groupBy=type');
    assert.deepEqual(byType, {
      interval: 'day',
      total: 5,
      series: [
        { key: 'viewed', points: [{ at: '2027-02-24T00:00:00.000Z', count: 4, subjects: 2 }] },
        { key: 'bought', points: [{ at: '2027-02-21T00:00:00.000Z', count: 1, subjects: 0 }] },
      ],
    });
    const byHour = await readChart('interval=hour&groupBy=source&from=2027-02-24T07:10:00Z&to=2027-02-24T09:30:00Z');
    assert.deepEqual(byHour, {
      interval: 'hour',
      total: 4,
      series: [
        { key: '/a', points: [{ at: '2027-02-24T09:00:00.000Z', count: 2, subjects: 1 }] },
        { key: '/b', points: [{ at: '2027-02-24T07:00:00.000Z', count: 2, subjects: 2 }] },
      ],
    });
    const bySubject = await readChart('interval=minute&groupBy=subject&from=2027-02-24T07:00:00Z');
    assert.deepEqual(
      bySubject.series.map(({ key, points }) => [key, points.map(({ count, subjects }) => [count, subjects])]),
      [
        [
          'ada',
          [
            [1, 1],
            [1, 1],
            [1, 1],
          ],
        ],
        ['bob', [[1, 1]]],
      ],
    );
    const withoutRange = await readChart('groupBy=subject');
    assert.deepEqual(
      withoutRange.series.map(({ key }) => key),
      ['ada', null, 'bob'],
    );
  });

  test('the list can be filtered and paged, and invalid chart queries are refused', async () => {
    const { sendBatch, listEvents, person } = await createTracker();
    const time = (minute: number) => `2027-02-24T08:${String(minute).padStart(2, '0')}:00Z`;
    await sendBatch(
      Array.from({ length: 25 }, (_, index) =>
        event({
          id: `n${index}`,
          type: index % 2 === 0 ? 'even' : 'odd',
          subject: index < 5 ? 'few' : 'many',
          time: time(index),
        }),
      ),
    );
    assert.equal((await listEvents('?type=even&limit=200')).length, 13);
    assert.equal((await listEvents('?subject=few')).length, 5);
    assert.equal((await listEvents('?source=/nothing')).length, 0);
    assert.deepEqual(
      (await listEvents(`?from=${time(3)}&to=${time(6)}`)).map(({ id }) => id),
      ['n5', 'n4', 'n3'],
    );
    const pagedIds: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const cursorParameter: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body }: TestResponse<Page<ActivityEvent>> = await person.call(`${PATH}?limit=10${cursorParameter}`);
      pagedIds.push(...body.data.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    assert.deepEqual(
      pagedIds,
      Array.from({ length: 25 }, (_, index) => `n${24 - index}`),
    );
    for (const query of [
      'interval=week',
      'groupBy=id',
      'interval=minute&from=2027-01-01T00:00:00Z',
      'from=2028-01-01T00:00:00Z',
    ]) {
      assert.equal((await person.call(`/v1/activity/analytics?${query}`)).status, 422, query);
    }
  });

  test('one scope allows sending and another reading, API keys are refused, and other workspaces see nothing', async () => {
    const { person, sendBatch } = await createTracker();
    await sendBatch([event()]);
    const body = JSON.stringify(event());
    const headers = { 'content-type': 'application/cloudevents+json' };
    for (const scope of SCOPES) {
      const { secret } = await createToken(person, [scope]);
      const sent = await testServer.call(PATH, { method: 'POST', body, headers: { ...headers, ...bearer(secret) } });
      assert.equal(sent.status, scope === 'activity_tracker' || scope === 'all' ? 201 : 403, `send with ${scope}`);
      for (const path of [PATH, '/v1/activity/analytics']) {
        const read = await testServer.call(path, { headers: bearer(secret) });
        assert.equal(
          read.status,
          scope === 'activity_tracker_analytics' || scope === 'all' ? 200 : 403,
          `read with ${scope}`,
        );
      }
    }
    const key = await createKey(person, ['read', 'write']);
    const refused = await testServer.call<ProblemBody>(PATH, { headers: bearer(key.secret) });
    assert.deepEqual([refused.status, refused.body.code], [403, 'wrong_credential_kind']);
    const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
    const tokenOfOtherWorkspace = await createToken(ownerInOtherWorkspace, ['all']);
    const eventsOfOtherWorkspace = await testServer.call<Page<ActivityEvent>>(PATH, {
      headers: bearer(tokenOfOtherWorkspace.secret),
    });
    assert.deepEqual(eventsOfOtherWorkspace.body.data, []);
    const chart = await testServer.call<Analytics>('/v1/activity/analytics', {
      headers: bearer(tokenOfOtherWorkspace.secret),
    });
    assert.equal(chart.body.total, 0);
  });

  test('a member reads events and charts', async () => {
    const mia = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    assert.equal((await mia.call(PATH)).status, 200);
    assert.equal((await mia.call('/v1/activity/analytics')).status, 200);
  });
});

test('events and their aggregates are deleted after their retention period', async () => {
  let now = NOW;
  const testServer = await startTestServer({ clock: () => now });
  const owner = await signUpOwner(testServer);
  const token = await createToken(owner, ['all']);
  const send = (id: string, time: number) =>
    testServer.call(PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json', ...bearer(token.secret) },
      body: JSON.stringify({ specversion: '1.0', id, source: '/s', type: 't', time: new Date(time).toISOString() }),
    });
  await send('old', now - 100 * DAY);
  await send('new', now);
  await testServer.running.close();
  const store = await openSqliteStore(`${testServer.dataDirectory}/devpilot.db`);
  await deleteExpiredActivity({ store }, now - 90 * DAY);
  await store.close();
  const restarted = await startTestServer({ clock: () => now, dataDirectory: testServer.dataDirectory });
  now += 1;
  const { body } = await restarted.call<Page<ActivityEvent>>(PATH, { headers: bearer(token.secret) });
  assert.deepEqual(
    body.data.map(({ id }) => id),
    ['new'],
  );
  const path = '/v1/activity/analytics?from=2026-10-01T00:00:00Z';
  assert.equal((await restarted.call<Analytics>(path, { headers: bearer(token.secret) })).body.total, 1);
  await restarted.close();
});
