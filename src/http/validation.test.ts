import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { splitLongArray, validationProblem } from './validation.ts';

/** Maximum duration of one turn of the event loop, milliseconds. */
const BUSY_MS = 20;

function keepBusy(): void {
  const began = performance.now();
  while (performance.now() - began < BUSY_MS);
}

test('the elements of a long array are checked in several turns of the event loop', async () => {
  const element = z.string().transform((text) => {
    keepBusy();
    return text.length;
  });
  const { schemaWithoutElements: frame, checkElements } = splitLongArray(
    z.strictObject({ name: z.string(), all: z.array(element) }),
    'all',
  );
  const body = frame.parse({ name: 'a', all: ['a', 'bb', 'ccc'] });
  let turns = 0;
  let isDone = false;
  const countTurn = () => {
    turns++;
    if (!isDone) setImmediate(countTurn);
  };
  setImmediate(countTurn);
  await checkElements(body);
  isDone = true;
  assert.ok(turns >= 3, `${turns} turns`);
  assert.deepEqual(body, { name: 'a', all: [1, 2, 3] });
});

test('the schema of a long array keeps the limits of its length and refuses unknown fields', () => {
  const { schemaWithoutElements: frame } = splitLongArray(
    z.strictObject({ all: z.array(z.string()).min(1).max(2) }),
    'all',
  );
  assert.ok(frame.safeParse({ all: [1, 2] }).success);
  for (const refused of [{ all: [] }, { all: [1, 2, 3] }, { all: 'a' }, { all: [1], other: 1 }]) {
    assert.ok(!frame.safeParse(refused).success, JSON.stringify(refused));
  }
});

test('an invalid element is reported with its index and field', async () => {
  const element = z.strictObject({ count: z.int() });
  const { checkElements } = splitLongArray(z.strictObject({ all: z.array(element) }), 'all');
  await assert.rejects(checkElements({ all: [{ count: 1 }, { count: 'x' }] }), (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.code, 'validation_failed');
    assert.match(error.message, /^all\.1\.count: /);
    return true;
  });
});

test('a value beyond a limit is reported in the words of the other messages', () => {
  const schema = z.object({
    code: z.string().min(1),
    name: z.string().max(3),
    all: z.array(z.string()).min(2),
    count: z.number().max(5),
    own: z.string().min(2, 'must be a name'),
  });
  const { error } = schema.safeParse({ code: '', name: 'long', all: [], count: 6, own: '' });
  assert.deepEqual(
    validationProblem(error?.issues ?? [], 'body').extensions.errors?.map(
      ({ field, message }) => `${field} ${message}`,
    ),
    [
      'code must not be empty',
      'name must have at most 3 characters',
      'all must have at least 2 items',
      'count must be at most 5',
      'own must be a name',
    ],
  );
});
