import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scaledTimeout } from '../../testing/timeouts.ts';
import { fingerprintOf, normalizeText, type ReportedError, titleOf } from './error-grouping.ts';
import { parseStack, type ReportedFrame } from './stack-frames.ts';

const error = (overrides: Partial<ReportedError> = {}): ReportedError => ({
  type: 'TypeError',
  message: 'order 17 is undefined',
  stack: null,
  frames: [],
  breadcrumbs: [],
  tags: {},
  level: 'error',
  release: null,
  environment: null,
  app: null,
  fingerprint: null,
  at: 0,
  ...overrides,
});
const V8_STACK = `TypeError: order is undefined
    at placeOrder (/srv/shop/releases/41/src/orders.js:17:5)
    at async Router.handle (/srv/shop/releases/41/node_modules/router/index.js:99:3)
    at /srv/shop/releases/41/src/server.js:4:1
    at node:internal/process/task_queues:105:5`;

test('stacks of V8, Firefox and Python are parsed, innermost call first', () => {
  assert.deepEqual(parseStack(V8_STACK).slice(0, 3), [
    { function: 'placeOrder', file: '/srv/shop/releases/41/src/orders.js', line: 17, column: 5, inApp: true },
    {
      function: 'Router.handle',
      file: '/srv/shop/releases/41/node_modules/router/index.js',
      line: 99,
      column: 3,
      inApp: false,
    },
    { function: null, file: '/srv/shop/releases/41/src/server.js', line: 4, column: 1, inApp: true },
  ]);
  assert.deepEqual(parseStack('load@https://shop.example.com/app.js:3:9\n@https://shop.example.com/app.js:1:1'), [
    { function: 'load', file: 'https://shop.example.com/app.js', line: 3, column: 9, inApp: true },
    { function: null, file: 'https://shop.example.com/app.js', line: 1, column: 1, inApp: true },
  ]);
  const python =
    'Traceback (most recent call last):\n  File "main.py", line 3, in main\n    run()\n  File "run.py", line 9, in run\nValueError: x';
  assert.deepEqual(
    parseStack(python).map(({ function: name }) => name),
    ['run', 'main'],
  );
  assert.deepEqual(parseStack('no stack at all'), []);
});

test('errors are grouped by type and location, regardless of their release, line and IDs', () => {
  const first = fingerprintOf(error({ frames: parseStack(V8_STACK) }));
  const later = V8_STACK.replaceAll('/41/', '/42/').replace('orders.js:17:5', 'orders.js:23:7');
  assert.equal(fingerprintOf(error({ frames: parseStack(later), message: 'order 99 is undefined' })), first);
  assert.notEqual(fingerprintOf(error({ frames: parseStack(V8_STACK.replace('placeOrder', 'payOrder')) })), first);
  assert.notEqual(fingerprintOf(error({ frames: parseStack(V8_STACK), type: 'RangeError' })), first);
  assert.notEqual(fingerprintOf(error({ type: 'Error401' })), fingerprintOf(error({ type: 'Error402' })));
  assert.equal(
    fingerprintOf(error({ message: 'order 1 is undefined' })),
    fingerprintOf(error({ message: 'order 2 is undefined' })),
  );
});

const frame = (name: string | null, file: string | null, overrides: Partial<ReportedFrame> = {}): ReportedFrame => ({
  function: name,
  file,
  line: 1,
  inApp: true,
  ...overrides,
});

test('parts of frames that vary between builds or runs are ignored, but not other parts', () => {
  const java = (name: string, module: string) => frame(name, 'Till.java', { module });
  const equivalentFrames: readonly (readonly ReportedFrame[])[] = [
    [frame('a', '/srv/app.js', { line: 1 }), frame('a', '/srv/app.js', { line: 9, column: 7 })],
    [frame('pay', 'https://a.example/main.8f3c2a.js'), frame('pay', 'https://b.example/main.77ab01.js?v=2')],
    [frame('pay', '/assets/index-BkXzaQcP.js'), frame('pay', '/assets/index-DqWe31_a.js')],
    [
      frame('Object.pay', 'pay.js'),
      frame('pay', 'pay.js'),
      frame('async pay', 'pay.js'),
      frame('pay [as then]', 'pay.js'),
    ],
    [
      frame('Ab', 'https://a.example/app.js', { column: 12_345 }),
      frame('xZ', 'https://a.example/app.js', { column: 999 }),
    ],
    [
      java('run', 'com.shop.Till$$Lambda$14/0x0000000800c03000'),
      java('run', 'com.shop.Till$$Lambda$99/0x00000008000aa000'),
    ],
    [
      java('pay', 'com.shop.Till$$EnhancerBySpringCGLIB$$a1b2c3d4'),
      java('pay', 'com.shop.Till$$EnhancerBySpringCGLIB$$ffff0000'),
    ],
    [java('pay', 'com.shop.Till$$SpringCGLIB$$0'), java('pay', 'com.shop.Till$$SpringCGLIB$$1')],
    [java('pay', 'com.shop.Till$HibernateProxy$Ab1'), java('pay', 'com.shop.Till$HibernateProxy$zz9')],
    [java('lambda$pay$0', 'com.shop.Till'), java('lambda$pay$3', 'com.shop.Till')],
    [
      java('invoke', 'jdk.internal.reflect.GeneratedMethodAccessor12'),
      java('invoke', 'jdk.internal.reflect.GeneratedMethodAccessor7'),
    ],
    [frame('shop::pay::h0123456789abcdef', 'pay.rs'), frame('shop::pay::hfedcba9876543210', 'pay.rs')],
    [frame('shop::pay<int>(int, std::string const&) const', 'pay.cc'), frame('shop::pay<long>(long)', 'pay.cc')],
    [
      frame('pay.isra.0', 'pay.c'),
      frame('pay.constprop.12', 'pay.c'),
      frame('pay [clone .cold]', 'pay.c'),
      frame('pay', 'pay.c'),
    ],
    [frame(null, '/usr/bin/till'), frame(null, '/usr/bin/till')],
    [
      frame('place_order', '/srv/41/shop.py', { module: 'shop' }),
      frame('place_order', '/srv/42/shop.py', { module: 'shop' }),
    ],
  ];
  for (const frames of equivalentFrames) {
    const hashes = frames.map((single) => fingerprintOf(error({ frames: [single] })));
    assert.equal(new Set(hashes).size, 1, JSON.stringify(frames));
  }
  const differentFrames: readonly (readonly ReportedFrame[])[] = [
    [java('pay', 'com.shop.Till'), java('pay', 'com.shop.Desk'), java('refund', 'com.shop.Till')],
    [frame('f', 'user-profile.js'), frame('f', 'user-settings.js')],
    [frame('shop::pay(int)', 'pay.cc'), frame('shop::refund(int)', 'pay.cc')],
    [frame('<lambda>', 'a.py'), frame('<listcomp>', 'a.py')],
    [frame('handle', 'a.py', { module: 'shop.a' }), frame('handle', 'a.py', { module: 'shop.b' })],
  ];
  for (const frames of differentFrames) {
    const hashes = frames.map((single) => fingerprintOf(error({ frames: [single] })));
    assert.equal(new Set(hashes).size, frames.length, JSON.stringify(frames));
  }
});

test('errors are grouped by frames of the app, and by message only if no frame identifies the error', () => {
  const libraryFrame = (name: string) => frame(name, '/srv/node_modules/x/y.js', { inApp: false });
  const appFrame = frame('pay', 'pay.js');
  const hash = (frames: ReportedFrame[], overrides: Partial<ReportedError> = {}) =>
    fingerprintOf(error({ frames, ...overrides }));
  assert.equal(hash([libraryFrame('a'), appFrame]), hash([libraryFrame('b'), appFrame]));
  assert.notEqual(hash([libraryFrame('a')]), hash([libraryFrame('b')]));
  assert.equal(hash([appFrame], { message: 'one' }), hash([appFrame], { message: 'another' }));
  const minified = [frame('a', 'app.js', { column: 9_000 }), frame('b', 'app.js', { column: 600 })];
  assert.notEqual(hash(minified, { message: 'one' }), hash(minified, { message: 'another' }));
  const logged = (message: string) => hash([], { message, messageTemplate: 'no stock of %s' });
  assert.equal(logged('no stock of hats'), logged('no stock of shoes'));
});

test('Java stacks are parsed', () => {
  const java = `java.lang.IllegalStateException: closed
\tat com.shop.Till.pay(Till.java:17)
\tat java.base/java.lang.Thread.run(Thread.java:840)
\tat com.shop.Till$$Lambda$14/0x0000000800c03000.run(Unknown Source)
\t... 3 more`;
  assert.deepEqual(
    parseStack(java).map(({ function: name, file, line, module, inApp }) => [name, file, line, module, inApp]),
    [
      ['pay', 'Till.java', 17, 'com.shop.Till', true],
      ['run', 'Thread.java', 840, 'java.base/java.lang.Thread', false],
      ['run', 'Unknown Source', null, 'com.shop.Till$$Lambda$14/0x0000000800c03000', true],
    ],
  );
});

test("the sender's fingerprint takes precedence, and can include the default fingerprint", () => {
  const firstError = error({ fingerprint: ['payments'], message: 'a' });
  assert.equal(fingerprintOf(firstError), fingerprintOf(error({ fingerprint: ['payments'], type: 'Other' })));
  const extendedFingerprint = (type: string) => fingerprintOf(error({ fingerprint: ['{{ default }}', 'x'], type }));
  assert.notEqual(extendedFingerprint('A'), extendedFingerprint('B'));
});

test('errors of different apps are different issues, even with the same fingerprint', () => {
  for (const fingerprint of [null, ['payments'], ['shop', 'payments'], ['{{ default }}', 'shop']]) {
    const hashes = [
      fingerprintOf(error({ fingerprint })),
      fingerprintOf(error({ fingerprint, app: 'shop' })),
      fingerprintOf(error({ fingerprint, app: 'desk' })),
      fingerprintOf(error({ fingerprint, app: 'shop' }), 'app_1'),
      fingerprintOf(error({ fingerprint, app: 'shop' }), 'app_2'),
      fingerprintOf(error({ fingerprint, app: 'app_1' })),
    ];
    assert.equal(new Set(hashes).size, hashes.length, JSON.stringify(fingerprint));
  }
  const renamed = error({ app: 'store' });
  assert.equal(fingerprintOf(renamed, 'app_1'), fingerprintOf(error({ app: 'shop' }), 'app_1'));
});

test('numbers and IDs are replaced, and titles are truncated', () => {
  assert.equal(
    normalizeText('user 17 at 3fa85f64-5717-4562-b3fc-2c963f66afa6 got tok_01kaexample42 in chunk.8f3c2a1b9d.js'),
    'user # at # got tok_# in chunk.#.js',
  );
  assert.equal(titleOf(error({ message: 'one\ntwo' })), 'TypeError: one');
  assert.equal(titleOf(error({ message: '' })), 'TypeError');
  assert.equal(titleOf(error({ message: 'x'.repeat(1000) })).length, 255);
});

test('hostile stacks are parsed and normalized without catastrophic backtracking', () => {
  const started = performance.now();
  for (const line of [
    'at '.repeat(330),
    `at ${'a'.repeat(900)}:1`,
    `at ${' '.repeat(900)}x`,
    ':1'.repeat(450),
    'a@'.repeat(480),
  ]) {
    parseStack(Array.from({ length: 60 }, () => line).join('\n'));
    normalizeText(line.repeat(9));
  }
  assert.ok(performance.now() - started < scaledTimeout(10_000));
});
