import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { mintSecret } from '../../authorization/secret.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { createByteReader } from './byte-reader.ts';
import { titleOf } from './error-grouping.ts';
import { type Envelope, readEnvelope, readStoreBody } from './sentry-envelope.ts';

test('no part of a secret is stored, even if a message contains several secrets and is truncated within the last', async () => {
  const max = RESOURCE_LIMITS.errorMessage;
  for (let shift = 0; shift < 400; shift += 7) {
    const secrets = Array.from({ length: 6 }, () => mintSecret('api_key'));
    const message = `${secrets.slice(0, 5).join(' ')} ${'.'.repeat(max - shift)}${secrets[5]}`;
    const { errors } = await readStoreBody(Buffer.from(JSON.stringify({ message })), 0);
    const stored = errors[0]?.message ?? '';
    assert.ok(stored.length <= max);
    assert.match(stored, /^(?:\[secret\] ){5}\.*(?:\[secret\]|\[?[a-z]{0,6})$/, String(shift));
  }
});

const NOW = Date.parse('2027-02-24T09:30:00.000Z');

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}
const read = (text: string | Uint8Array, chunkSize = 7, maxBytes = 1_000_000): Promise<Envelope> =>
  readEnvelope(createByteReader(inChunks(Buffer.from(text), chunkSize), maxBytes), NOW);
/** Returns the titles of the errors of an envelope, or the error code if it is rejected. */
const outcomeOf = (envelope: Promise<Envelope>): Promise<string> =>
  envelope.then(
    ({ errors }) => errors.map(titleOf).join(', ') || 'nothing',
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  );

const EVENT = '{"message":"hello"}';
const HELLO = 'Message: hello';

test('valid forms of envelopes are read, and malformed envelopes are rejected', async () => {
  const cases: readonly (readonly [name: string, envelope: string, outcome: string])[] = [
    ['only a header, without a newline', '{"event_id":"9ec7"}', 'nothing'],
    ['only a header', '{"event_id":"9ec7"}\n', 'nothing'],
    ['no length', `{}\n{"type":"event"}\n${EVENT}\n`, HELLO],
    ['no length, no newline at the end', `{}\n{"type":"event"}\n${EVENT}`, HELLO],
    ['length', `{}\n{"type":"event","length":19}\n${EVENT}\n`, HELLO],
    ['length, no newline at the end', `{}\n{"type":"event","length":19}\n${EVENT}`, HELLO],
    ['null as length', `{}\n{"type":"event","length":null}\n${EVENT}`, HELLO],
    ['newlines in a payload with a length', `{}\n{"type":"event","length":21}\n{\n"message":"hello"\n}\n`, HELLO],
    ['a length that is too long', `{}\n{"type":"event","length":20}\n${EVENT}`, 'invalid_request'],
    ['a length that is too short', `{}\n{"type":"event","length":18}\n${EVENT}`, 'invalid_request'],
    ['a length that is too short, of an attachment', `{}\n{"type":"attachment","length":1}\nabc\n`, 'invalid_request'],
    ['a negative length', `{}\n{"type":"event","length":-1}\n${EVENT}`, 'invalid_request'],
    ['a fraction as length', `{}\n{"type":"event","length":1.5}\n${EVENT}`, 'invalid_request'],
    ['a length that is too long, of an attachment', '{}\n{"type":"attachment","length":9}\nabc', 'invalid_request'],
    ['empty attachments', `{}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n`, 'nothing'],
    ['an empty attachment at the end', `{}\n{"type":"event"}\n${EVENT}\n{"type":"attachment","length":0}`, HELLO],
    ['an item without payload at the end', '{}\n{"type":"attachment"}', 'nothing'],
    [
      'an attachment with newlines',
      `{}\n{"type":"attachment","length":5}\na\n\nb\n\n{"type":"event"}\n${EVENT}`,
      HELLO,
    ],
    ['an attachment without length', `{}\n{"type":"attachment"}\nhelloworld\n{"type":"event"}\n${EVENT}`, HELLO],
    ['unknown items', `{}\n{"type":"invented"}\n[1\n{"type":"event"}\n${EVENT}\n{"type":"x","length":2}\n..`, HELLO],
    ['an item without type', `{}\n{"length":2}\n..\n{"type":"event"}\n${EVENT}`, HELLO],
    ['unknown fields in headers', `{"sdk":{"a":[1]},"trace":{}}\n{"type":"event","x":{"y":1}}\n${EVENT}`, HELLO],
    ['two events', `{}\n{"type":"event"}\n${EVENT}\n{"type":"event"}\n${EVENT}`, `${HELLO}, ${HELLO}`],
    ['carriage returns', `{}\r\n{"type":"event"}\r\n${EVENT}\r\n`, HELLO],
    ['a byte order mark in the event', `{}\n{"type":"event"}\n\ufeff${EVENT}\n`, HELLO],
    ['a transaction', `{}\n{"type":"transaction"}\n{"type":"transaction","spans":[]}`, 'nothing'],
    ['a transaction as event', `{}\n{"type":"event"}\n{"type":"transaction","spans":[]}`, 'nothing'],
    ['a null event', `{}\n{"type":"event"}\nnull`, 'Message'],
    ['no JSON at all', 'hello', 'invalid_request'],
    ['nothing', '', 'invalid_request'],
    ['an item header that is not JSON', `{}\nhello\n${EVENT}`, 'invalid_request'],
    ['an event that is not JSON', '{}\n{"type":"event"}\n{broken', 'invalid_request'],
    ['a header that is too long', `{"x":"${'x'.repeat(20_000)}"}\n`, 'too_large'],
    ['an event that is too long', `{}\n{"type":"event","length":2000000}\n`, 'too_large'],
  ];
  for (const [name, envelope, outcome] of cases) {
    for (const chunkSize of [1, 3, 1_000]) assert.equal(await outcomeOf(read(envelope, chunkSize)), outcome, name);
  }
});

test('an event after a large attachment is read, and so is an event before the size limit of the envelope is exceeded', async () => {
  const attachment = Buffer.concat([
    Buffer.from('{"type":"attachment","length":50000}\n'),
    Buffer.alloc(50_000, 10),
    Buffer.from('\n'),
  ]);
  const event = Buffer.from(`{"type":"event","length":19}\n${EVENT}\n`);
  const header = Buffer.from('{}\n');
  const eventFirst = Buffer.concat([header, event, attachment]);
  const attachmentFirst = Buffer.concat([header, attachment, event]);
  for (const size of [999, 65_536]) {
    assert.equal(await outcomeOf(read(eventFirst, size)), HELLO);
    assert.equal(await outcomeOf(read(attachmentFirst, size)), HELLO);
  }
  assert.equal(await outcomeOf(read(eventFirst, 999, 20_000)), HELLO, 'the event before the limit is read');
  assert.equal(await outcomeOf(read(attachmentFirst, 999, 20_000)), 'too_large');
});

test('a mutated envelope has the same result for any chunk size', async () => {
  const valid = Buffer.from(
    `{"event_id":"9ec7","sent_at":"2027-02-24T09:30:00Z"}\n{"type":"attachment","length":4}\n\x00\n\xff\n\n{"type":"event"}\n{"message":"hello","exception":{"values":[null,{"type":"E","stacktrace":{"frames":[{"function":"f","lineno":1}]}}]}}\n{"type":"session","length":2}\n{}\n`,
    'latin1',
  );
  const mutation = fc.tuple(fc.nat(valid.length), fc.nat(4), fc.uint8Array({ maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      async (mutations, chunkSize) => {
        let bytes = valid;
        for (const [offset, removed, added] of mutations) {
          bytes = Buffer.concat([bytes.subarray(0, offset), added, bytes.subarray(offset + removed)]);
        }
        const outcome = await outcomeOf(read(bytes, chunkSize));
        assert.equal(outcome, await outcomeOf(read(bytes, 100_000)));
        assert.doesNotMatch(outcome, /TypeError|RangeError|SyntaxError/);
      },
    ),
    { numRuns: 300 },
  );
});

const readEvent = async (event: object | string) => {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const { errors } = await readStoreBody(Buffer.from(body), NOW);
  return errors[0];
};

test('the type and message of an event are read in each form that SDKs send', async () => {
  const exception = { type: 'RangeError', value: 'out of reach' };
  for (const [event, title] of [
    [{ exception: { values: [exception] } }, 'RangeError: out of reach'],
    [{ exception: [exception] }, 'RangeError: out of reach'],
    [{ exception }, 'RangeError: out of reach'],
    [{ 'sentry.interfaces.Exception': [exception] }, 'RangeError: out of reach'],
    [{ exception: { values: [{ type: 'Cause' }, exception] } }, 'RangeError: out of reach'],
    [{ exception: { values: [exception, null] } }, 'RangeError: out of reach'],
    [{ exception: { values: [{ type: 'E', value: { code: 7 } }] } }, 'E: {"code":7}'],
    [{ exception: { values: [{ value: 'no type' }] } }, 'Message: no type'],
    [{ exception: { values: [] }, message: 'hi' }, 'Message: hi'],
    [{ exception: null, message: 'hi' }, 'Message: hi'],
    [{ message: { formatted: 'hi' } }, 'Message: hi'],
    [{ message: { message: 'hi %s', params: ['Ada'] } }, 'Message: hi Ada'],
    [{ logentry: { message: 'hi %s, %d', params: ['Ada', 7] } }, 'Message: hi Ada, 7'],
    [{ logentry: { message: 'hi {name}', params: { name: 'Ada' } } }, 'Message: hi Ada'],
    [{ logentry: { message: 'hi %(name)s', params: { name: 'Ada' } } }, 'Message: hi Ada'],
    [{ logentry: { message: 'hi {1} {0}', params: ['a', 'b'] } }, 'Message: hi b a'],
    [{ logentry: { message: 'hi {}', params: [] } }, 'Message: hi {}'],
    [{ logentry: { message: 'hi', params: 42 } }, 'Message: hi'],
    [{ logentry: { message: 'raw %s', formatted: 'hi Ada' } }, 'Message: hi Ada'],
    [{ logentry: 'hi' }, 'Message: hi'],
    [{ logentry: null, message: 'hi' }, 'Message: hi'],
    [{ 'sentry.interfaces.Message': { message: 'hi' } }, 'Message: hi'],
    [{ message: false }, 'Message'],
    [{ message: ['hi'] }, 'Message: ["hi"]'],
    [{ message: 42 }, 'Message: 42'],
    [{}, 'Message'],
    [{ type: {}, exception: 7, message: null, logentry: [], level: [], tags: 7, breadcrumbs: 'x' }, 'Message: []'],
    [
      { message: 'hi', debug_meta: 7, threads: [7, null], stacktrace: { frames: 'x' }, fingerprint: 'x' },
      'Message: hi',
    ],
  ] as const) {
    const error = await readEvent(event);
    assert.equal(error && titleOf(error), title, JSON.stringify(event));
  }
  const repeated = { logentry: { message: '{0}'.repeat(2_700), params: ['x'.repeat(100_000)] } };
  assert.ok(((await readEvent(repeated))?.message.length ?? 0) <= RESOURCE_LIMITS.errorMessage);
});

test('levels, tags, times and numbers are read as SDKs write them', async () => {
  for (const [level, expected] of [
    ['fatal', 'fatal'],
    ['critical', 'fatal'],
    ['error', 'error'],
    ['warning', 'warning'],
    ['warn', 'warning'],
    ['info', 'info'],
    ['log', 'info'],
    ['debug', 'debug'],
    ['WARNING', 'warning'],
    [40, 'error'],
    [20, 'info'],
    ['toString', 'error'],
    [null, 'error'],
    ['unheard of', 'error'],
  ] as const) {
    assert.equal((await readEvent({ level }))?.level, expected, String(level));
  }
  for (const tags of [
    { shop: 'x', ok: true, size: 42, none: null, deep: {} },
    [['shop', 'x'], ['ok', true], ['size', 42], ['none', null], null, 'text', ['deep', {}]],
  ]) {
    assert.deepEqual((await readEvent({ tags }))?.tags, { shop: 'x', ok: 'true', size: '42' });
  }
  const at = NOW - 1_000;
  for (const timestamp of [
    at / 1000,
    String(at / 1000),
    new Date(at).toISOString(),
    '2027-02-24T09:29:59.000000',
    '2027-02-24T10:29:59+01:00',
  ]) {
    assert.equal((await readEvent({ timestamp }))?.at, at, String(timestamp));
  }
  for (const timestamp of ['yesterday', {}, null, -1, 1e300]) assert.equal((await readEvent({ timestamp }))?.at, NOW);
  const python =
    '{"message":"NaN \\" Infinity","extra":{"a":NaN,"b":-Infinity,"c":[Infinity,1]},"tags":{"size":NaN,"n":1}}';
  assert.deepEqual(
    [(await readEvent(python))?.message, (await readEvent(python))?.tags],
    ['NaN " Infinity', { n: '1' }],
  );
  assert.deepEqual((await readEvent({ fingerprint: ['a', null, 1, true, {}] }))?.fingerprint, ['a', '1', 'true']);
  assert.equal(await readEvent({ type: 'transaction' }), undefined);
});

test("a sender's clock that is far off is corrected with the time at which the envelope was sent", async () => {
  const day = 86_400_000;
  const crumbs = (driftMs: number) => [{ timestamp: (NOW - driftMs - 5_000) / 1000, message: 'x' }];
  for (const [driftMs, sentAt, corrected] of [
    [day, new Date(NOW - day).toISOString(), true],
    [-day * 30, new Date(NOW + day * 30).toISOString(), true],
    [60_000, new Date(NOW - 60_000).toISOString(), false],
    [day, null, false],
    [day, 'never', false],
  ] as const) {
    const event = { timestamp: (NOW - driftMs - 1_000) / 1000, breadcrumbs: { values: crumbs(driftMs) } };
    const { errors } = await read(`${JSON.stringify({ sent_at: sentAt })}\n{"type":"event"}\n${JSON.stringify(event)}`);
    const expected = corrected ? NOW - 1_000 : NOW - driftMs - 1_000;
    assert.equal(errors[0]?.at, expected, String(sentAt));
    assert.equal(errors[0]?.breadcrumbs[0]?.at, new Date(expected - 4_000).toISOString());
  }
});

test('/store/ accepts base64 or compressed bodies without a Content-Encoding header, as old SDKs send them', async () => {
  for (const body of [
    Buffer.from(EVENT),
    Buffer.from(Buffer.from(EVENT).toString('base64')),
    Buffer.from(deflateSync(EVENT).toString('base64')),
    deflateSync(EVENT),
  ]) {
    const { errors } = await readStoreBody(body, NOW);
    assert.deepEqual(errors.map(titleOf), [HELLO]);
  }
  for (const body of ['', 'aGVsbG8', 'null', '"text"', '{', deflateSync('x'), deflateSync(Buffer.alloc(2_000_000))]) {
    await assert.rejects(readStoreBody(Buffer.from(body), NOW), Problem);
  }
});

test('frames are read with their source, their module and the debug ID of their file', async () => {
  const frames = [
    { function: 'main', abs_path: '/usr/lib/python3/runpy.py', filename: 'runpy.py', lineno: 1 },
    null,
    {
      function: 'place_order',
      module: 'shop.orders',
      filename: 'shop/orders.py',
      lineno: 17,
      in_app: true,
      pre_context: ['a', 'b', 'c', 'd'],
      context_line: 'raise',
      post_context: ['e'],
    },
    {
      filename: 'https://shop.example.com/app.js',
      colno: 99,
      lineno: 1,
      in_app: null,
      raw_function: 'o',
      context_line: 7,
    },
  ];
  const debugMeta = {
    images: [
      null,
      { type: 'elf' },
      { type: 'sourcemap', code_file: 'https://shop.example.com/app.js', debug_id: '8F3C2A1B0000400080000000000000AB' },
    ],
  };
  const error = await readEvent({
    threads: { values: [{ crashed: true, stacktrace: { frames } }] },
    debug_meta: debugMeta,
  });
  assert.deepEqual(error?.frames, [
    {
      function: 'o',
      file: 'https://shop.example.com/app.js',
      line: 1,
      column: 99,
      module: null,
      inApp: true,
      debugId: '8f3c2a1b-0000-4000-8000-0000000000ab',
    },
    {
      function: 'place_order',
      file: 'shop/orders.py',
      line: 17,
      column: null,
      module: 'shop.orders',
      inApp: true,
      context: { firstLine: 14, lines: ['b', 'c', 'd', 'raise', 'e'] },
    },
    { function: 'main', file: 'runpy.py', line: 1, column: null, module: null, inApp: false },
  ]);
  for (const event of [
    { exception: [{ type: 'E', stacktrace: { frames } }] },
    { exception: [{ type: 'E', raw_stacktrace: { frames } }] },
    { stacktrace: { frames } },
    { threads: [{ id: 1 }, { id: 2, current: true, stacktrace: { frames } }] },
    {
      exception: [{ type: 'E', thread_id: 2 }],
      threads: [
        { id: 1, crashed: true },
        { id: 2, stacktrace: { frames } },
      ],
    },
  ]) {
    assert.equal((await readEvent(event))?.frames.length, 3, JSON.stringify(event));
  }
});
