import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { splitLongArray, validationProblem } from './validation.ts';

/** How long the check of each element blocks the event loop, milliseconds. */
const BUSY_MS = 20;

function keepBusy(): void {
  const startedAt = performance.now();
  while (performance.now() - startedAt < BUSY_MS);
}

test('the elements of a long array are checked in several turns of the event loop', async () => {
  const element = z.string().transform((text) => {
    keepBusy();
    return text.length;
  });
  const { schemaWithoutElements, checkElements } = splitLongArray(
    z.strictObject({ name: z.string(), items: z.array(element) }),
    'items',
  );
  const body = schemaWithoutElements.parse({ name: 'a', items: ['a', 'bb', 'ccc'] });
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
  assert.deepEqual(body, { name: 'a', items: [1, 2, 3] });
});

test('the schema without elements checks the length of the array and refuses unknown fields', () => {
  const { schemaWithoutElements } = splitLongArray(
    z.strictObject({ items: z.array(z.string()).min(1).max(2) }),
    'items',
  );
  assert.ok(schemaWithoutElements.safeParse({ items: [1, 2] }).success);
  for (const invalid of [{ items: [] }, { items: [1, 2, 3] }, { items: 'a' }, { items: [1], unknown: 1 }]) {
    assert.ok(!schemaWithoutElements.safeParse(invalid).success, JSON.stringify(invalid));
  }
});

test('an invalid element is reported with its index and field', async () => {
  const element = z.strictObject({ count: z.int() });
  const { checkElements } = splitLongArray(z.strictObject({ items: z.array(element) }), 'items');
  await assert.rejects(checkElements({ items: [{ count: 1 }, { count: 'x' }] }), (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.code, 'validation_failed');
    assert.match(error.message, /^items\.1\.count: /);
    return true;
  });
});

test('values beyond a limit are reported as "must ...", unless the schema has its own message', () => {
  const schema = z.object({
    code: z.string().min(1),
    name: z.string().max(3),
    items: z.array(z.string()).min(2),
    count: z.number().max(5),
    custom: z.string().min(2, 'must be a name'),
  });
  const { error } = schema.safeParse({ code: '', name: 'long', items: [], count: 6, custom: '' });
  assert.deepEqual(
    validationProblem(error?.issues ?? [], 'body').extensions.errors?.map(
      ({ field, message }) => `${field} ${message}`,
    ),
    [
      'code must not be empty',
      'name must have at most 3 characters',
      'items must have at least 2 items',
      'count must be at most 5',
      'custom must be a name',
    ],
  );
});
