import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { CloudEvent, HTTP } from 'cloudevents';
import type { ActivityEvent, Analytics } from '../contract/activity.ts';
import { DAY, HOUR } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
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
interface Taken {
  accepted: number;
  duplicates: number;
}
interface ProblemAnswer {
  code: string;
  errors?: { field: string; message: string }[];
}

forEachEngine('the activity tracker', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => NOW, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  /** A workspace for one test, with a credential to send events and one to read them. */
  async function newTracker() {
    const person = await createWorkspaceFor(owner, testServer, 'Tracked');
    const [sender, reader] = await Promise.all([
      createToken(person, ['activity_tracker']),
      createToken(person, ['activity_tracker_analytics']),
    ]);
    const send = <Body = Taken>(
      body: string | Uint8Array | undefined,
      headers: Record<string, string>,
    ): Promise<TestResponse<Body>> =>
      testServer.call<Body>(PATH, { method: 'POST', body, headers: { ...headers, ...bearer(sender.secret) } });
    return {
      person,
      send,
      sendBatch: <Body = Taken>(events: readonly unknown[]) =>
        send<Body>(JSON.stringify(events), { 'content-type': 'application/cloudevents-batch+json' }),
      async list(query = ''): Promise<ActivityEvent[]> {
        const response = await testServer.call<Page<ActivityEvent>>(PATH + query, { headers: bearer(reader.secret) });
        assert.equal(response.status, 200, response.text);
        return response.body.data;
      },
      async chart(query: string): Promise<Analytics> {
        const path = `/v1/activity/analytics?${query}`;
        const response = await testServer.call<Analytics>(path, { headers: bearer(reader.secret) });
        assert.equal(response.status, 200, response.text);
        return response.body;
      },
    };
  }
  let created = 0;
  const event = (more: object = {}) => ({
    specversion: '1.0',
    id: `event-${created++}`,
    source: '/shop',
    type: 'order.placed',
    ...more,
  });

  test('events and charts are CSV on request, with formulas escaped, over more than one page', async () => {
    const { person, sendBatch } = await newTracker();
    const time = new Date(NOW).toISOString();
    const before = new Date(NOW - HOUR).toISOString();
    const evil = { id: 'evil', type: '=1+1', subject: 'a,"b"', time, data: { total: 42 } };
    await sendBatch([event(evil), ...Array.from({ length: 450 }, () => event({ time: before }))]);
    const requestCsv = (path: string) => person.call<string>(path, { headers: { accept: 'text/csv' } });
    const events = await requestCsv(PATH);
    assert.equal(events.status, 200);
    assert.equal(events.headers.get('content-type'), 'text/csv; charset=utf-8');
    const lines = events.text.split('\r\n');
    assert.equal(lines.length, 1 + 451 + 1);
    assert.equal(lines[0], 'time,source,type,subject,id,data,receivedAt');
    assert.equal(lines[1], `${time},/shop,'=1+1,"a,""b""",evil,"{""total"":42}",${time}`);
    const chart = await requestCsv('/v1/activity/analytics?interval=hour&groupBy=type');
    const points = `2027-02-24T08:00:00.000Z,order.placed,450,0\r\n2027-02-24T09:00:00.000Z,'=1+1,1,1\r\n`;
    assert.equal(chart.text, `at,key,count,subjects\r\n${points}`);
    assert.equal((await requestCsv(`${PATH}?cursor=nonsense`)).status, 422);
    assert.equal((await requestCsv('/v1/activity/analytics?interval=week')).status, 422);
  });

  test('events of a CloudEvents SDK are stored alike in binary, structured and batched mode', async () => {
    const { send, sendBatch, list } = await newTracker();
    const time = '2027-02-24T08:00:00.123Z';
    const facts = { source: 'https://shop.example.com/till', type: 'order.placed', subject: 'Zoë', time };
    const data = { total: 42, note: 'Straße "#1"' };
    const sent = ['one', 'two', 'three'].map((id) => new CloudEvent({ ...facts, id, data }));
    const [one, two, three] = sent as [CloudEvent<unknown>, CloudEvent<unknown>, CloudEvent<unknown>];
    for (const message of [HTTP.binary(one), HTTP.structured(two)]) {
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, encodeURI(String(value)).replaceAll('%20', ' ')]),
      );
      const taken = await send(String(message.body), headers);
      assert.deepEqual([taken.status, taken.body], [201, { accepted: 1, duplicates: 0 }], taken.text);
    }
    const batch = await sendBatch([three, one]);
    assert.deepEqual(batch.body, { accepted: 1, duplicates: 1 });
    const { source, type, subject } = facts;
    assert.deepEqual(
      await list(),
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

  test('secrets in events are masked in everything that is stored, and events that differ still do', async () => {
    const { person, send, sendBatch, list, chart } = await newTracker();
    const [{ secret }, other] = await Promise.all([createKey(person, ['read']), createKey(person, ['read'])]);
    const text = `for ${secret}`;
    const data = { [text]: [text, `"${secret}\\`], base: Buffer.from(text).toString('hex') };
    const sent = await sendBatch([
      event({ id: secret, source: text, type: text, subject: text, data }),
      event({ id: other.secret, source: text }),
      event({ datacontenttype: 'application/json', data_base64: Buffer.from(JSON.stringify(text)).toString('base64') }),
    ]);
    assert.deepEqual(sent.body, { accepted: 3, duplicates: 0 }, sent.text);
    assert.deepEqual((await sendBatch([event({ id: secret, source: text })])).body, { accepted: 0, duplicates: 1 });
    const headers = { 'content-type': 'text/plain', 'ce-specversion': '1.0', 'ce-id': 'b', 'ce-source': 's' };
    assert.equal((await send(text, { ...headers, 'ce-type': secret })).status, 201);
    const events = await list();
    assert.deepEqual(events.find(({ subject }) => subject === 'for [secret]')?.data, {
      'for [secret]': ['for [secret]', '"[secret]\\'],
      base: data.base,
    });
    const stored = JSON.stringify([
      events,
      await chart('interval=day&groupBy=subject'),
      await chart('interval=day&groupBy=type'),
    ]);
    for (const secretOfSender of [secret, other.secret])
      assert.ok(!stored.includes(secretOfSender.slice(4, 40)), stored);
  });

  test('text and binary data is stored, and an event without a time gets its time of arrival', async () => {
    const { send, list } = await newTracker();
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
      (await list()).map(({ id, data, time }) => [id, data, time]),
      [
        ['c', { a: 1 }, new Date(NOW).toISOString()],
        ['b', 'AP8B', new Date(NOW).toISOString()],
        ['a', 'plain words', new Date(NOW).toISOString()],
      ],
    );
  });

  test('extension attributes, binary data and numbers of any size are returned as they were sent, in each mode', async () => {
    const { person, send, sendBatch, list } = await newTracker();
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
      (await list())
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
    assert.equal(text.split(numbers).length, 3, 'the numbers are those that were sent');
  });

  test('bodies may be compressed, and an unknown encoding is refused', async () => {
    const { send, list } = await newTracker();
    const json = { 'content-type': 'application/cloudevents+json' };
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const sent = await send(pack(JSON.stringify(event({ id: encoding }))), { ...json, 'content-encoding': encoding });
      assert.equal(sent.status, 201, sent.text);
    }
    assert.equal((await list()).length, 4);
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

  test('a sender of webhooks is told that it may deliver, which is no authorization', async () => {
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
    const { send, list } = await newTracker();
    const attributes = { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/bin', 'ce-type': 'raw' };
    assert.equal((await send(undefined, attributes)).status, 201);
    assert.equal(
      (await send(undefined, { ...attributes, 'ce-id': 'b', 'content-type': 'application/json' })).status,
      201,
    );
    assert.deepEqual(
      (await list()).map(({ id, data }) => [id, data]),
      [
        ['b', null],
        ['a', null],
      ],
    );
    const bare = await send<ProblemAnswer>(undefined, { ...attributes, 'ce-id': '' });
    assert.deepEqual([bare.status, bare.body.errors?.[0]?.field], [422, 'id']);
  });

  test('the same source and id is stored and counted once, within a batch and from concurrent senders', async () => {
    const { sendBatch, list, chart } = await newTracker();
    const same = event({ id: 'same' });
    const other = event({ id: 'same', source: '/elsewhere' });
    const first = await sendBatch([same, same, other]);
    assert.deepEqual(first.body, { accepted: 2, duplicates: 1 });
    const many = await Promise.all(Array.from({ length: 20 }, () => sendBatch([same, event({ id: 'raced' })])));
    assert.equal(
      many.reduce((sum, { body }) => sum + body.accepted, 0),
      1,
    );
    assert.equal((await list()).length, 3);
    assert.equal((await chart('interval=day')).total, 3);
  });

  test('a batch with an invalid event is refused completely, naming the index', async () => {
    const { sendBatch, send, list, chart } = await newTracker();
    const bad: readonly [object | null | string, string][] = [
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
    for (const [badEvent, field] of bad) {
      const refused = await sendBatch<ProblemAnswer>([event(), event(), badEvent, event()]);
      assert.equal(refused.status, 422, `${field}: ${refused.text}`);
      assert.equal(refused.body.errors?.[0]?.field, `2.${field}`);
    }
    const large = await sendBatch<ProblemAnswer>(Array.from({ length: 1001 }, () => event()));
    assert.equal(large.status, 422);
    const structured = { 'content-type': 'application/cloudevents+json' };
    assert.equal((await send('{"id":', structured)).status, 400);
    assert.equal((await send(JSON.stringify(event({ id: '' })), structured)).status, 422);
    assert.equal((await send('<event/>', { 'content-type': 'application/cloudevents+xml' })).status, 415);
    assert.equal((await send('x', { 'content-type': 'text/plain' })).status, 415);
    assert.deepEqual(await list(), []);
    assert.equal((await chart('interval=minute')).total, 0);
    assert.deepEqual((await sendBatch(Array.from({ length: 1000 }, () => event()))).body.accepted, 1000);
  });

  test('counts and distinct subjects are returned per minute, hour and day, by type, source and subject', async () => {
    const { sendBatch, chart } = await newTracker();
    const timeBefore = (ago: number) => new Date(NOW - ago).toISOString();
    await sendBatch([
      event({ type: 'seen', source: '/a', subject: 'ada', time: timeBefore(0) }),
      event({ type: 'seen', source: '/a', subject: 'ada', time: timeBefore(1000) }),
      event({ type: 'seen', source: '/b', subject: 'bob', time: timeBefore(2 * HOUR) }),
    ]);
    await sendBatch([
      event({ type: 'seen', source: '/b', subject: 'ada', time: timeBefore(2 * HOUR) }),
      event({ type: 'bought', source: '/a', time: timeBefore(3 * DAY) }),
    ]);
    const byType = await chart('interval=day&groupBy=type');
    assert.deepEqual(byType, {
      interval: 'day',
      total: 5,
      series: [
        { key: 'seen', points: [{ at: '2027-02-24T00:00:00.000Z', count: 4, subjects: 2 }] },
        { key: 'bought', points: [{ at: '2027-02-21T00:00:00.000Z', count: 1, subjects: 0 }] },
      ],
    });
    const byHour = await chart('interval=hour&groupBy=source&from=2027-02-24T07:10:00Z&to=2027-02-24T09:30:00Z');
    assert.deepEqual(byHour, {
      interval: 'hour',
      total: 4,
      series: [
        { key: '/a', points: [{ at: '2027-02-24T09:00:00.000Z', count: 2, subjects: 1 }] },
        { key: '/b', points: [{ at: '2027-02-24T07:00:00.000Z', count: 2, subjects: 2 }] },
      ],
    });
    const bySubject = await chart('interval=minute&groupBy=subject&from=2027-02-24T07:00:00Z');
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
    const withNone = await chart('groupBy=subject');
    assert.deepEqual(
      withNone.series.map(({ key }) => key),
      ['ada', null, 'bob'],
    );
  });

  test('the list filters and pages, and refuses an invalid time range or chart', async () => {
    const { sendBatch, list, person } = await newTracker();
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
    assert.equal((await list('?type=even&limit=200')).length, 13);
    assert.equal((await list('?subject=few')).length, 5);
    assert.equal((await list('?source=/nothing')).length, 0);
    assert.deepEqual(
      (await list(`?from=${time(3)}&to=${time(6)}`)).map(({ id }) => id),
      ['n5', 'n4', 'n3'],
    );
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body }: TestResponse<Page<ActivityEvent>> = await person.call(`${PATH}?limit=10${more}`);
      seen.push(...body.data.map(({ id }) => id));
      cursor = body.nextCursor;
    }
    assert.deepEqual(
      seen,
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

  test('each scope allows only its own half, people only read, keys are refused, and other workspaces see nothing', async () => {
    const { person, sendBatch } = await newTracker();
    await sendBatch([event()]);
    const body = JSON.stringify(event());
    const headers = { 'content-type': 'application/cloudevents+json' };
    for (const scope of SCOPES) {
      const { secret } = await createToken(person, [scope]);
      const all = { ...headers, ...bearer(secret) };
      const sent = await testServer.call(PATH, { method: 'POST', body, headers: all });
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
    const refused = await testServer.call<ProblemAnswer>(PATH, { headers: bearer(key.secret) });
    assert.deepEqual([refused.status, refused.body.code], [403, 'wrong_credential_kind']);
    const neighbour = await createWorkspaceFor(owner, testServer, 'Other');
    const foreign = await createToken(neighbour, ['all']);
    const theirs = await testServer.call<Page<ActivityEvent>>(PATH, { headers: bearer(foreign.secret) });
    assert.deepEqual(theirs.body.data, []);
    const chart = await testServer.call<Analytics>('/v1/activity/analytics', { headers: bearer(foreign.secret) });
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
  const again = await startTestServer({ clock: () => now, dataDirectory: testServer.dataDirectory });
  now += 1;
  const { body } = await again.call<Page<ActivityEvent>>(PATH, { headers: bearer(token.secret) });
  assert.deepEqual(
    body.data.map(({ id }) => id),
    ['new'],
  );
  const path = '/v1/activity/analytics?from=2026-10-01T00:00:00Z';
  assert.equal((await again.call<Analytics>(path, { headers: bearer(token.secret) })).body.total, 1);
  await again.close();
});
