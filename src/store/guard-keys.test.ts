import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createId } from '../contract/id.ts';
import { guardKeys } from './migrations/0052-guard-keys.ts';

test('the migration flags exactly the API keys that have run guards', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(`
    create table credential (id text primary key, kind text not null);
    create table credential_address (credential_id text, address text);
    create table usage_flush (node_id text primary key, number bigint);
    create table node (id text primary key)`);
  // The node ID of a guard is the ID of its API key followed by such a suffix.
  const guardSuffix = `.${'q'.repeat(22)}`;
  const reported = createId('api_key');
  const leased = createId('api_key');
  const plain = createId('api_key');
  for (const id of [reported, leased, plain]) database.prepare("insert into credential values (?, 'api_key')").run(id);
  database.prepare("insert into credential values ('tok_1', 'access_token')").run();
  database.prepare('insert into usage_flush values (?, 1)').run(reported + guardSuffix);
  database.prepare('insert into usage_flush values (?, 1)').run(createId('node'));
  database.prepare('insert into node values (?)').run(leased + guardSuffix);
  for (const statement of guardKeys()) database.exec(statement);
  const flagged = database.prepare('select id from credential where guard = 1').all();
  assert.deepEqual(flagged.map(({ id }) => id).sort(), [leased, reported].sort());
  database.close();
});
