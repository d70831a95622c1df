import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY } from '../contract/limits.ts';
import { createUsageJournal } from '../credentials/usage-journal.ts';
import { findCredential } from '../store/credentials.ts';
import { readRightUses } from '../store/right-uses.ts';
import type { Store } from '../store/store.ts';
import { readUses } from '../store/usage.ts';
import { openTestStore, seedCredential, seedWorkspace } from '../testing/test-store.ts';
import type { CredentialRecord } from './record.ts';
import { createRecordCache } from './record-cache.ts';
import { exercisedMaskOf, grantedMaskOf, requireAll } from './rights.ts';
import { createUsageCounters, MAX_CONTEXTS_WITH_APP } from './usage-counters.ts';
import { createUsageRecorder, type UsageRecorder, type UsageStore } from './usage-recorder.ts';

const NOW = 20_000 * DAY;
let testStore: Store;
let owner: { workspaceId: string; personId: string };
before(async () => {
  testStore = await openTestStore();
  owner = await seedWorkspace(testStore);
});
after(() => testStore.close());

const recordOf = (id: string): CredentialRecord => ({
  kind: 'api_key',
  label: `${id} one`,
  id,
  name: 'one',
  workspace: { id: owner.workspaceId, revoked: false },
  rights: 1,
  active: true,
  expiresAt: null,
  createdAt: 1,
  passphraseHash: null,
  restrictions: null,
  row: -1,
});
const readCredential = (id: string) => findCredential(testStore.read, owner.workspaceId, 'api_key', id);
const usesOf = (id: string) => readUses(testStore.read, owner.workspaceId, id, 0, 20);

/** The usage recorder of a node. Its `flush` also adds the written uses to the credentials. */
async function createTestRecorder(nodeId: string): Promise<UsageRecorder> {
  const journal = await createUsageJournal(testStore);
  const usage = createUsageRecorder(journal, nodeId, createRecordCache(10).counterSlots);
  return {
    ...usage,
    async flush() {
      await usage.flush();
      await journal.addToCredentials();
    },
  };
}

async function seedMany(count: number): Promise<CredentialRecord[]> {
  const records: CredentialRecord[] = [];
  for (let index = 0; index < count; index++) records.push(recordOf((await seedCredential(testStore, owner)).id));
  return records;
}

test('every use is counted, with the time of the last one, uses per day and addresses', async () => {
  const usage = await createTestRecorder('node_exact');
  const [record] = await seedMany(1);
  assert.ok(record);
  for (let index = 0; index < 50; index++) usage.count(record, `10.0.0.${index % 3}`, NOW + index);
  assert.equal(usage.pendingCredentials(), 1);
  assert.equal(usage.lagMs(NOW + 700), 700);
  await usage.flush();
  assert.equal(usage.pendingCredentials(), 0);
  assert.equal(usage.lagMs(NOW + 700), 0);
  usage.count(record, '10.0.0.9', NOW + DAY);
  await usage.flush();
  const row = await readCredential(record.id);
  assert.equal(row?.use_count, 51);
  assert.equal(row?.last_used_at, NOW + DAY);
  const { days, addresses } = await usesOf(record.id);
  assert.deepEqual(
    days.map(({ day, count }) => ({ day, count })),
    [
      { day: 20_000, count: 50 },
      { day: 20_001, count: 1 },
    ],
  );
  assert.deepEqual(
    addresses.map(({ address, firstSeenAt, lastSeenAt }) => ({ address, firstSeenAt, lastSeenAt })),
    [
      { address: '10.0.0.9', firstSeenAt: NOW + DAY, lastSeenAt: NOW + DAY },
      { address: '10.0.0.1', firstSeenAt: NOW + 1, lastSeenAt: NOW + 49 },
      { address: '10.0.0.0', firstSeenAt: NOW, lastSeenAt: NOW + 48 },
      { address: '10.0.0.2', firstSeenAt: NOW + 2, lastSeenAt: NOW + 47 },
    ],
  );
});

test('rights are counted exactly for uses with different addresses, rights and apps that do not exist', async () => {
  const usage = await createTestRecorder('node_rights');
  const [record, other] = await seedMany(2);
  assert.ok(record && other);
  const masks = [['read'], ['read', 'write'], [], ['deploy']].map((rights) => {
    const requirement = requireAll('api_key', rights);
    assert.ok(requirement);
    return exercisedMaskOf('api_key', grantedMaskOf('api_key', rights), requirement);
  });
  for (let flush = 0; flush < 3; flush++) {
    for (let index = 0; index < 120; index++) {
      usage.count(
        record,
        `10.0.0.${index % 3}`,
        NOW + index,
        masks[index % 4],
        index % 5 === 0 ? `app_${index}` : null,
      );
    }
    if (flush < 2) await usage.flush();
  }
  usage.count(other, '10.0.0.1', NOW, masks[0]);
  await usage.flush();
  const rightsOf = async (id: string) =>
    (await readRightUses(testStore.read, owner.workspaceId, id)).rights
      .map(({ right, app, count }) => [right, app, count])
      .sort();
  assert.deepEqual(await rightsOf(record.id), [
    ['deploy', null, 90],
    ['read', null, 180],
    ['write', null, 90],
  ]);
  assert.deepEqual(await rightsOf(other.id), [['read', null, 1]]);
  assert.deepEqual(
    [(await readCredential(record.id))?.use_count, (await readCredential(other.id))?.use_count],
    [360, 1],
  );
});

test('beyond a limit, uses are counted without the app names that clients make up', () => {
  const counters = createUsageCounters(createRecordCache(10).counterSlots);
  const mask = grantedMaskOf('api_key', ['read']);
  const uses = MAX_CONTEXTS_WITH_APP + 10;
  for (let index = 0; index < uses; index++) counters.count(recordOf('key_1'), '10.0.0.1', NOW, mask, `app_${index}`);
  counters.count(recordOf('key_2'), '10.0.0.1', NOW, mask, 'app_0');
  counters.count(recordOf('key_3'), '10.0.0.1', NOW, mask, 'app_new');
  const [first, second, third] = counters.drain(3);
  assert.equal(first?.count, uses);
  assert.deepEqual([second?.rights[0]?.app, third?.rights[0]?.app], ['app_0', null]);
  assert.equal(third?.rights[0]?.count, 1);
});

test('no use is lost when a record is read again between two uses', async () => {
  const usage = await createTestRecorder('node_reread');
  const [first] = await seedMany(1);
  assert.ok(first);
  const second = { ...recordOf(first.id), row: 1 };
  usage.count(first, '10.0.0.1', NOW);
  usage.count(second, '10.0.0.2', NOW + 5);
  usage.count(first, '10.0.0.1', NOW + 3);
  await usage.flush();
  const row = await readCredential(first.id);
  assert.equal(row?.use_count, 3);
  assert.equal(row?.last_used_at, NOW + 5);
  const { days, addresses } = await usesOf(first.id);
  assert.equal(days[0]?.count, 3);
  assert.equal(addresses.length, 2);
});

test('a chunk whose write failed or whose response was lost is sent again and counts once', async () => {
  const journal = await createUsageJournal(testStore);
  let outcome: 'success' | 'failure' | 'response lost' = 'success';
  const chunkSizes: number[] = [];
  const flaky: UsageStore = {
    async addUses(node, number, uses) {
      chunkSizes.push(uses.length);
      if (outcome === 'failure') throw new Error('no store');
      await journal.addUses(node, number, uses);
      if (outcome === 'response lost') throw new Error('connection lost');
    },
  };
  const usage = createUsageRecorder(flaky, 'node_flaky', createRecordCache(10).counterSlots);
  const records = await seedMany(600);
  const countAll = () => {
    for (const record of records) usage.count(record, '10.0.0.1', NOW);
  };
  for (const failure of ['failure', 'response lost', 'failure', 'response lost'] as const) {
    outcome = failure;
    countAll();
    await assert.rejects(usage.flush());
  }
  outcome = 'success';
  countAll();
  await usage.flush();
  await journal.addToCredentials();
  assert.equal(journal.pendingCredentials(), 0);
  assert.equal(usage.pendingCredentials(), 0);
  for (const { id } of records) assert.equal((await readCredential(id))?.use_count, 5);
  assert.ok(chunkSizes.every((size) => size <= 500));
});

test('uses counted during a flush are written by the next one', async () => {
  const usage = await createTestRecorder('node_busy');
  const [record] = await seedMany(1);
  assert.ok(record);
  usage.count(record, '10.0.0.1', NOW);
  const flushes = [usage.flush()];
  for (let index = 0; index < 10; index++) {
    usage.count(record, '10.0.0.1', NOW + index);
    flushes.push(usage.flush());
  }
  await Promise.all(flushes);
  assert.equal((await readCredential(record.id))?.use_count, 11);
});

test('uses of a deleted credential are dropped and do not block the uses of other credentials', async () => {
  const usage = await createTestRecorder('node_deleted');
  const [existing] = await seedMany(1);
  assert.ok(existing);
  usage.count(recordOf('key_deleted'), '10.0.0.1', NOW);
  usage.count(existing, '10.0.0.1', NOW);
  await usage.flush();
  assert.equal((await readCredential(existing.id))?.use_count, 1);
  assert.deepEqual((await usesOf('key_deleted')).days, []);
});

test('the number of a chunk is the time of its first use, and always increases', async () => {
  const numbers: number[] = [];
  const store: UsageStore = { addUses: async (_node, number) => void numbers.push(number) };
  const usage = createUsageRecorder(store, 'node_numbers', createRecordCache(10).counterSlots);
  const record = recordOf('key_numbers');
  for (const time of [NOW + 0.5, NOW - DAY, NOW + DAY]) {
    usage.count(record, '10.0.0.1', time);
    await usage.flush();
  }
  assert.deepEqual(numbers, [NOW, NOW + 1, NOW + DAY]);
});
