import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scaledTimeout } from '../../testing/timeouts.ts';
import { fingerprintOf, normalizeText, parseStack, type ReportedError, titleOf } from './error-grouping.ts';

const error = (more: Partial<ReportedError> = {}): ReportedError => ({
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
  ...more,
});
const V8_STACK = `TypeError: order is undefined
    at placeOrder (/srv/shop/releases/41/src/orders.js:17:5)
    at async Router.handle (/srv/shop/releases/41/node_modules/router/index.js:99:3)
    at /srv/shop/releases/41/src/server.js:4:1
    at node:internal/process/task_queues:105:5`;

test('stacks of V8, Firefox and Python are parsed, innermost call first', () => {
  assert.deepEqual(parseStack(V8_STACK).slice(0, 3), [
    { function: 'placeOrder', file: '/srv/shop/releases/41/src/orders.js', line: 17, inApp: true },
    { function: 'Router.handle', file: '/srv/shop/releases/41/node_modules/router/index.js', line: 99, inApp: false },
    { function: null, file: '/srv/shop/releases/41/src/server.js', line: 4, inApp: true },
  ]);
  assert.deepEqual(parseStack('load@https://shop.example.com/app.js:3:9\n@https://shop.example.com/app.js:1:1'), [
    { function: 'load', file: 'https://shop.example.com/app.js', line: 3, inApp: true },
    { function: null, file: 'https://shop.example.com/app.js', line: 1, inApp: true },
  ]);
  const python =
    'Traceback (most recent call last):\n  File "main.py", line 3, in main\n    run()\n  File "run.py", line 9, in run\nValueError: x';
  assert.deepEqual(
    parseStack(python).map((frame) => frame.function),
    ['run', 'main'],
  );
  assert.deepEqual(parseStack('no stack at all'), []);
});

test('the same error with another release, line or id is the same issue; another location or type is another one', () => {
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

test('a fingerprint of the sender takes precedence, and can include the default one', () => {
  const firstError = error({ fingerprint: ['payments'], message: 'a' });
  assert.equal(fingerprintOf(firstError), fingerprintOf(error({ fingerprint: ['payments'], type: 'Other' })));
  const onTop = (type: string) => fingerprintOf(error({ fingerprint: ['{{ default }}', 'x'], type }));
  assert.notEqual(onTop('A'), onTop('B'));
});

test('errors of different apps are different issues, whatever fingerprint they have', () => {
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

test('numbers and ids are removed, and titles truncated', () => {
  assert.equal(
    normalizeText('user 17 at 3fa85f64-5717-4562-b3fc-2c963f66afa6 got tok_01kaexample42 in chunk.8f3c2a1b9d.js'),
    'user # at # got tok_# in chunk.#.js',
  );
  assert.equal(titleOf(error({ message: 'one\ntwo' })), 'TypeError: one');
  assert.equal(titleOf(error({ message: '' })), 'TypeError');
  assert.equal(titleOf(error({ message: 'x'.repeat(1000) })).length, 255);
});

test('no stack takes long to parse', () => {
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
  assert.ok(performance.now() - started < scaledTimeout(10_000), 'the work is linear');
});
