import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRequestContext } from '../../audit/request-context.ts';
import { HOUR } from '../../contract/limits.ts';
import { insertRestore, listBackups } from '../../store/backups.ts';
import { insertResource } from '../../store/resources.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import { openTestStore, seedWorkspace } from '../../testing/test-store.ts';
import type { PlatformContext } from '../context.ts';
import { newRestoreRow } from './backup-record.ts';
import { enqueueBackup } from './backups.ts';
import { enqueueDueBackups } from './scheduled-backups.ts';

const NOW = Date.parse('2027-02-24T04:00:00.000Z');

test('a scheduled backup is created during a verification, but not while another backup is unfinished', async () => {
  const store = await openTestStore();
  const { workspaceId } = await seedWorkspace(store);
  let now = NOW - HOUR;
  const context = {
    store,
    clock: () => now,
    jobs: { enqueue: () => Promise.resolve(), wake: () => undefined },
  } as unknown as PlatformContext;
  const common = {
    workspace_id: workspaceId,
    name: 'Shop',
    name_key: 'shop',
    slug: 'shop',
    created_at: now,
    updated_at: now,
  };
  const app: AppTable = {
    ...common,
    id: 'app_1',
    project_id: 'prj_1',
    server_id: 'srv_1',
    repository: null,
    repository_user: null,
    repository_password_sealed: null,
    branch: 'main',
    directory: '/srv/shop',
    hooks: '[]',
    keep_releases: 5,
    health_check: null,
    log_command: null,
    required_variables: '[]',
    backup: JSON.stringify({ command: null, restoreCommand: null, schedule: '0 * * * *' }),
    push: null,
    next_backup_at: NOW,
    next_verification_at: null,
  };
  const request = systemRequestContext(workspaceId);
  await store.transaction(async (trx) => {
    await insertResource(trx, 'project', { ...common, id: 'prj_1', description: null });
    await insertResource(trx, 'server', {
      ...common,
      id: 'srv_1',
      kind: 'local',
      host: null,
      port: null,
      user_name: null,
      host_key: null,
      public_key: null,
      private_key_sealed: null,
      confirmed: 1,
      offered_host_key: null,
    });
    await insertResource(trx, 'app', app);
    const earlier = { kind: 'directory', scheduledFor: null, failure: 'The disk was full.' } as const;
    const backup = await enqueueBackup(trx, context, request, app, earlier);
    const verification = { purpose: 'verification', appId: app.id, serverId: null, now } as const;
    await insertRestore(trx, newRestoreRow(request, backup, verification));
  });
  const listScheduled = async () => {
    const rows = await listBackups(store.read, workspaceId, app.id, undefined, { limit: 10, after: null });
    return rows.map(({ scheduled_for: scheduledFor }) => scheduledFor).filter((time) => time !== null);
  };
  now = NOW;
  await enqueueDueBackups(context);
  assert.deepEqual(await listScheduled(), [NOW]);
  now += HOUR;
  await enqueueDueBackups(context);
  assert.deepEqual(await listScheduled(), [NOW]);
  await store.close();
});
