import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, HOUR, NOTICE_LIMITS } from '../contract/limits.ts';
import { readAuditChain } from '../store/audit.ts';
import { deleteCredential, updateCredential } from '../store/credentials.ts';
import { countNotices, listNotices, updateNotice } from '../store/notices.ts';
import type { NoticeTable } from '../store/schema/notices.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { seedCredential, seedPerson, seedWorkspace } from '../testing/test-store.ts';
import { scanNotices } from './notice-scan.ts';

const START = Date.parse('2027-02-24T09:30:00.000Z');
const FIRST_PAGE = { limit: 200, after: null };

forEachEngine('the scan for notices', (engine) => {
  let store: Store;
  let now = START;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());

  const scan = () => scanNotices(store, () => now);
  const noticesOf = (workspaceId: string) => listNotices(store.read, workspaceId, { now }, FIRST_PAGE);
  /** Returns the kind of each notice and, if it has one, its number of days. */
  const kindsAndDays = (rows: readonly NoticeTable[]) =>
    rows.map(({ kind, detail }) => {
      const { days } = JSON.parse(detail) as { days?: number };
      return days === undefined ? kind : `${kind} ${days}`;
    });
  const auditActionsIn = async (workspaceId: string) =>
    (await readAuditChain(store.read, workspaceId, 0, 200)).map(({ action }) => action);

  test('creates one notice 30, 7 and 1 days before an expiry and one after it, even if several nodes scan', async () => {
    now = START;
    const owner = await seedWorkspace(store);
    const expiresAt = START + 60 * DAY;
    const recentlyUsed = { created_at: START, last_used_at: START + 59 * DAY };
    await seedCredential(store, owner, { ...recentlyUsed, expires_at: expiresAt });
    // A credential whose lifetime is at most a day causes no notice.
    await seedCredential(store, owner, { ...recentlyUsed, expires_at: expiresAt, created_at: expiresAt - 20 * HOUR });
    const noticesPerScan: string[][] = [];
    const scanTimes = [30 * DAY + 1, 30 * DAY, 7 * DAY + 1, 7 * DAY, DAY + 1, DAY, 1, 0, -30 * DAY + 1, -30 * DAY].map(
      (msBeforeExpiry) => expiresAt - msBeforeExpiry,
    );
    for (const scanTime of scanTimes) {
      now = scanTime;
      await Promise.all([scan(), scan(), scan()]);
      await scan();
      noticesPerScan.push(kindsAndDays(await noticesOf(owner.workspaceId)));
    }
    assert.deepEqual(noticesPerScan, [
      [],
      ['credential.expiring 30'],
      ['credential.expiring 30'],
      ['credential.expiring 7'],
      ['credential.expiring 7'],
      ['credential.expiring 1'],
      ['credential.expiring 1'],
      ['credential.expired'],
      ['credential.expired'],
      [],
    ]);
    assert.deepEqual(await auditActionsIn(owner.workspaceId), [
      ...Array<string>(3).fill('credential.expiring'),
      'credential.expired',
    ]);
  });

  test('creates notices about unused, violating and orphaned credentials, and deletes them when their cause no longer exists', async () => {
    now = START;
    const owner = await seedWorkspace(store);
    const leaver = await seedPerson(store);
    const recentlyUsed = { created_at: START - 100 * DAY, last_used_at: START };
    const idle = await seedCredential(store, owner, { ...recentlyUsed, last_used_at: START - 90 * DAY });
    await seedCredential(store, owner, { ...recentlyUsed, last_used_at: START - 90 * DAY + 1 });
    const violating = await seedCredential(store, owner, { ...recentlyUsed, policy_violations: 1 });
    const orphaned = await seedCredential(store, owner, { ...recentlyUsed, created_by: leaver, kind: 'access_token' });
    await seedCredential(store, owner, { ...recentlyUsed, created_by: null, active: 0, policy_violations: 1 });
    await Promise.all([scan(), scan()]);
    const rows = await noticesOf(owner.workspaceId);
    const bySubject = Object.fromEntries(rows.map(({ subject_id: id, kind }) => [id, kind]));
    assert.deepEqual(bySubject, {
      [idle.id]: 'credential.unused',
      [violating.id]: 'credential.violates_policy',
      [orphaned.id]: 'credential.orphaned',
    });
    // A dismissed notice is not created again.
    for (const row of rows) await store.transaction((trx) => updateNotice(trx, row, { dismissed_at: now }));
    await scan();
    assert.deepEqual(
      (await noticesOf(owner.workspaceId)).map(({ dismissed_at: at }) => at),
      [now, now, now],
    );
    const { workspaceId } = owner;
    await store.transaction(async (trx) => {
      await updateCredential(trx, workspaceId, 'api_key', idle.id, { active: 0, updated_at: now });
      await updateCredential(trx, workspaceId, 'api_key', violating.id, { policy_violations: 0, updated_at: now });
      await deleteCredential(trx, workspaceId, 'access_token', orphaned.id);
    });
    await scan();
    assert.deepEqual(await noticesOf(workspaceId), []);
    assert.equal((await auditActionsIn(workspaceId)).length, 3);
  });

  test('in a workspace with the maximum number of notices, an expiry replaces one other notice, and repeated scans replace no more', async () => {
    now = START;
    const owner = await seedWorkspace(store);
    const { workspaceId } = owner;
    const idle = { created_at: START - 100 * DAY, last_used_at: START - 95 * DAY };
    for (let count = 0; count < 3; count++) await seedCredential(store, owner, idle);
    await scan();
    const [unused] = await noticesOf(workspaceId);
    assert.ok(unused !== undefined);
    const failed = { ...unused, kind: 'deployment.failed', subject_kind: 'app', detail: '{}', created_at: START - DAY };
    const fillers = Array.from({ length: NOTICE_LIMITS.perWorkspace - 3 }, (_, number) => ({
      ...failed,
      id: `${unused.id}${number}`,
      subject_id: `app_${number}`,
    }));
    await store.transaction((trx) => trx.insertInto('notice').values(fillers).execute());
    const expiresAt = START + 20 * DAY;
    await seedCredential(store, owner, { ...idle, last_used_at: START, expires_at: expiresAt });
    const currentKinds = async () => [...new Set(kindsAndDays(await noticesOf(workspaceId)))].sort();
    const expectedActions = [...Array<string>(3).fill('credential.unused'), 'credential.expiring'];
    for (let count = 0; count < 2; count++) {
      await scan();
      assert.deepEqual(await currentKinds(), ['credential.expiring 30', 'credential.unused 90', 'deployment.failed']);
      assert.equal(await countNotices(store.read, workspaceId, { now }), NOTICE_LIMITS.perWorkspace);
      assert.deepEqual(await auditActionsIn(workspaceId), expectedActions);
    }
    now = expiresAt - 7 * DAY;
    await scan();
    assert.equal((await currentKinds())[0], 'credential.expiring 7');
  });

  test('reads every credential even if many have the same last use', async () => {
    now = START;
    const owner = await seedWorkspace(store);
    const expired = { created_at: START - 100 * DAY, expires_at: START - 50 * DAY };
    const [first, last] = ['key_a', 'key_z'].map((id) => ({
      ...expired,
      expires_at: null,
      id: `${id}${owner.workspaceId}`,
    }));
    await Promise.all(Array.from({ length: 210 }, () => seedCredential(store, owner, expired)));
    for (const columns of [first, last]) await seedCredential(store, owner, columns);
    await scan();
    const credentialIds = (await noticesOf(owner.workspaceId)).map(({ subject_id: id }) => id).sort();
    assert.deepEqual(credentialIds, [first?.id, last?.id]);
  });

  test('a workspace that cannot be scanned does not prevent the scan of other workspaces', async () => {
    now = START;
    const owners = [await seedWorkspace(store), await seedWorkspace(store), await seedWorkspace(store)];
    const [broken, ...intact] = owners.map(({ workspaceId }) => workspaceId).sort();
    assert.ok(broken !== undefined);
    const expiresAt = START + 40 * DAY;
    for (const owner of owners) await seedCredential(store, owner, { created_at: START, expires_at: expiresAt });
    now = expiresAt - 20 * DAY;
    await scan();
    // The next entry of its activity log then has a sequence number that already exists, which is an error.
    const rewind = { sequence: 0 };
    await store.transaction((trx) =>
      trx.updateTable('audit_head').set(rewind).where('workspace_id', '=', broken).execute(),
    );
    now = expiresAt - 6 * DAY;
    await assert.rejects(scan(), AggregateError);
    for (const id of intact) assert.deepEqual(kindsAndDays(await noticesOf(id)), ['credential.expiring 7']);
    await store.transaction((trx) => trx.deleteFrom('workspace').where('id', '=', broken).execute());
  });
});
