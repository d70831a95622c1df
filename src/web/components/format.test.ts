import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortenName } from './format.ts';

test('a name in a message has at most 60 characters, and no emoji is cut in half', () => {
  assert.equal(shortenName('Deployer'), 'Deployer');
  assert.equal(shortenName('🚀'.repeat(60)), '🚀'.repeat(60));
  assert.equal(shortenName('🚀'.repeat(255)), `${'🚀'.repeat(59)}…`);
});
