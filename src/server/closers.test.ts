import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClosers } from './closers.ts';

test('levels are closed in reverse order, each after the previous level has ended, and only once', async () => {
  const closers = createClosers();
  const log: string[] = [];
  const close = (name: string) => async () => {
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} ends`);
  };
  closers.add([close('store')]);
  closers.add([close('uses'), close('denials')]);
  closers.add([() => log.push('http')]);
  assert.equal(await closers.closeAll(), null);
  const writes = ['uses begins', 'denials begins', 'uses ends', 'denials ends'];
  assert.deepEqual(log, ['http', ...writes, 'store begins', 'store ends']);
  assert.equal(await closers.closeAll(), null);
  assert.equal(log.length, 7);
});

test('after a failure everything else is still closed, and the first failure is reported', async () => {
  const closers = createClosers();
  let released = false;
  closers.add([
    () => {
      released = true;
    },
  ]);
  closers.add([() => Promise.reject(new Error('second'))]);
  closers.add([
    () => {
      throw new Error('first');
    },
    () => undefined,
  ]);
  assert.equal(await closers.closeAll(), 'first');
  assert.equal(released, true);
});
