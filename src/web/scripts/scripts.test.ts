import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Script } from '../../contract/scripts.ts';
import { NEW_SCRIPT, newParameter, SCRIPT_RULES, scriptChanges, valuesOf } from './scripts.ts';

const script: Script = {
  id: 'scr_1',
  name: 'Greet',
  slug: 'greet',
  description: null,
  body: 'echo "$WHO"\n',
  interpreter: '/bin/sh',
  serverId: 'srv_1',
  runAs: null,
  timeoutSeconds: 600,
  parameters: [
    { name: 'WHO', pattern: null, default: null },
    { name: 'HOW', pattern: '[a-z]+', default: '' },
  ],
  schedule: null,
  nextRunAt: null,
  version: 1,
  createdAt: '2027-02-24T09:00:00.000Z',
  updatedAt: '2027-02-24T09:00:00.000Z',
};

test('a script that was not touched has no changes; a body is sent as it is, blanks and all', () => {
  const values = valuesOf(script);
  assert.deepEqual(scriptChanges(script, values), {});
  assert.deepEqual(scriptChanges(script, { ...values, body: ' x \n' }), { body: ' x \n' });
});

test('a parameter that is needed has no default, and one that is not may have an empty one', () => {
  const values = valuesOf(script);
  const [who, how] = values.parameters;
  assert.ok(who !== undefined && how !== undefined);
  assert.deepEqual([who.needed, how.needed], [true, false]);
  assert.deepEqual(scriptChanges(script, { ...values, parameters: [{ ...who, needed: false, default: 'you' }] }), {
    parameters: [{ name: 'WHO', pattern: null, default: 'you' }],
  });
});

test('parameters have names of their own', () => {
  const { name } = SCRIPT_RULES.parameters;
  const among = (...names: string[]) => ({
    ...NEW_SCRIPT,
    parameters: names.map((one) => ({ ...newParameter(), name: one })),
  });
  assert.equal(name('B', among('A', 'B')), null);
  assert.notEqual(name('A', among('A', ' A')), null);
  assert.notEqual(name('', among('')), null);
});
