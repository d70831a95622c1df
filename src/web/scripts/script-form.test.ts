import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Script } from '../../contract/scripts.ts';
import { changedFields } from '../form-values.ts';
import {
  NEW_SCRIPT_VALUES,
  newParameter,
  SCRIPT_RULES,
  type ScriptFormValues,
  toFormValues,
  toRequestFields,
} from './script-form.ts';

const script: Script = {
  id: 'scr_1',
  name: 'Greet',
  slug: 'greet',
  description: null,
  body: 'echo "$WHO"\n',
  interpreter: '/bin/sh',
  serverId: 'srv_1',
  appId: null,
  runAs: null,
  timeoutSeconds: 600,
  parameters: [
    { name: 'WHO', pattern: null, default: null },
    { name: 'HOW', pattern: '[a-z]+', default: '' },
  ],
  schedule: null,
  timeZone: 'UTC',
  overlap: 'skip',
  keepRuns: 1000,
  nextRunAt: null,
  version: 1,
  createdAt: '2027-02-24T09:00:00.000Z',
  updatedAt: '2027-02-24T09:00:00.000Z',
};

const toUpdateRequest = (before: Script, values: ScriptFormValues) =>
  changedFields(toRequestFields(toFormValues(before)), toRequestFields(values));

test('only changed fields are sent, and the body is sent unchanged, including whitespace', () => {
  const values = toFormValues(script);
  assert.deepEqual(toUpdateRequest(script, values), {});
  assert.deepEqual(toUpdateRequest(script, { ...values, body: ' x \n' }), { body: ' x \n' });
});

test('a parameter is required if it has no default; an empty default makes it optional', () => {
  const values = toFormValues(script);
  const [who, how] = values.parameters;
  assert.ok(who !== undefined && how !== undefined);
  assert.deepEqual([who.isRequired, how.isRequired], [true, false]);
  assert.deepEqual(
    toUpdateRequest(script, { ...values, parameters: [{ ...who, isRequired: false, default: 'you' }] }),
    {
      parameters: [{ name: 'WHO', pattern: null, default: 'you' }],
    },
  );
  assert.deepEqual(
    toUpdateRequest(script, { ...values, parameters: [who, { ...how, isRequired: true, default: 'ignored' }] }),
    {
      parameters: [
        { name: 'WHO', pattern: null, default: null },
        { name: 'HOW', pattern: '[a-z]+', default: null },
      ],
    },
  );
});

test('parameter names must be unique and not empty', () => {
  const { name: validateParameterName } = SCRIPT_RULES.parameters;
  const valuesWithNames = (...names: string[]) => ({
    ...NEW_SCRIPT_VALUES,
    parameters: names.map((parameterName) => ({ ...newParameter(), name: parameterName })),
  });
  assert.equal(validateParameterName('B', valuesWithNames('A', 'B')), null);
  assert.notEqual(validateParameterName('A', valuesWithNames('A', ' A')), null);
  assert.notEqual(validateParameterName('', valuesWithNames('')), null);
});
