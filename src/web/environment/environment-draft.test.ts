import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffDraft, mergeFile, validateVariableName, validateVariableValue } from './environment-draft.ts';

const ownNames = new Set(['HOST', 'PORT', 'OLD']);
const noInheritedNames = new Set<string>();

test('the changes of a draft are additions, changes and removals, sorted by name', () => {
  const draft = new Map([
    ['PORT', '81'],
    ['NEW', 'x'],
    ['OLD', null],
    ['NEVER', null],
  ]);
  assert.deepEqual(diffDraft(ownNames, noInheritedNames, new Map([['PORT', '80']]), draft), [
    { name: 'NEW', kind: 'added', before: undefined, after: 'x' },
    { name: 'OLD', kind: 'removed', before: undefined, after: null },
    { name: 'PORT', kind: 'changed', before: '80', after: '81' },
  ]);
});

test('a new value is a change unless the revealed value is the same', () => {
  const draft = new Map([
    ['HOST', 'a'],
    ['PORT', '80'],
  ]);
  assert.deepEqual(
    diffDraft(ownNames, noInheritedNames, new Map([['PORT', '80']]), draft).map(({ name }) => name),
    ['HOST'],
  );
});

test('a new value for an inherited variable overrides it unless the revealed value is the same', () => {
  const inherited = new Set(['LEVEL', 'REGION', 'ZONE']);
  const draft = new Map([
    ['LEVEL', 'debug'],
    ['REGION', 'eu'],
    ['ZONE', null],
  ]);
  assert.deepEqual(diffDraft(ownNames, inherited, new Map([['REGION', 'eu']]), draft), [
    { name: 'LEVEL', kind: 'overridden', before: undefined, after: 'debug' },
  ]);
});

test('a file is merged into the draft, or replaces all variables of the app or project itself', () => {
  const file = new Map([['PORT', '82']]);
  const draft = new Map([['NEW', 'x']]);
  assert.deepEqual(
    [...mergeFile(ownNames, draft, file, { removeOthers: false })],
    [
      ['NEW', 'x'],
      ['PORT', '82'],
    ],
  );
  assert.deepEqual([...mergeFile(ownNames, draft, file, { removeOthers: true })].sort(), [
    ['HOST', null],
    ['OLD', null],
    ['PORT', '82'],
  ]);
});

test('the error of a name says what is wrong with it', () => {
  assert.equal(validateVariableName('A_1', ownNames), null);
  for (const [name, message] of [
    ['', 'Enter a name'],
    ['1A', 'Must contain only letters, digits and underscores, and not start with a digit'],
    ['A-B', 'Must contain only letters, digits and underscores, and not start with a digit'],
    ['HOST', 'A variable with this name already exists'],
    ['__proto__', 'This name is reserved. Choose another name.'],
    ['A'.repeat(256), 'Must be at most 255 characters'],
  ] as const) {
    assert.equal(validateVariableName(name, ownNames), message);
  }
});

test('a value longer than 64 KiB in UTF-8, or with a NUL character, is rejected', () => {
  assert.equal(validateVariableValue('ü'.repeat(32_768)), null);
  assert.notEqual(validateVariableValue('ü'.repeat(32_769)), null);
  assert.notEqual(validateVariableValue('\0'), null);
});
