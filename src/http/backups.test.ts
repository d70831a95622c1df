import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Backup, BackupKey, RestoreBackup } from '../contract/backups.ts';
import { DAY } from '../contract/limits.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import type { Server } from '../contract/servers.ts';
import { PERMISSIONS, type Permission } from '../contract/vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
import { startS3, type TestS3 } from '../testing/s3.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let sshd: TestSshd;
let s3: TestS3;
before(async () => {
  [sshd, s3] = await Promise.all([startSshd(), startS3()]);
});
after(() => Promise.all([sshd.close(), s3.close()]));

const bucketEnvironment = () => ({
  DEVPILOT_BACKUP_BUCKET: s3.url,
  DEVPILOT_BACKUP_ACCESS_KEY_ID: s3.accessKeyId,
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY: s3.secretAccessKey,
});

/** Runs `work` with these shell scripts first in `PATH`: local servers run each instead of the program of its name. */
async function withPrograms(programs: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  const folder = temporaryDirectory();
  for (const [name, script] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  try {
    await work();
  } finally {
    process.env['PATH'] = path;
  }
}

const STORAGES = [
  { name: 'the data directory', environment: () => ({}) },
  { name: 'a bucket', environment: bucketEnvironment },
];
for (const storage of STORAGES) {
  forEachEngine(`backups in ${storage.name}`, (engine) => {
    let now = Date.now();
    let testServer: TestServer;
    let owner: TestPerson;
    let member: TestPerson;
    let project: { id: string };
    const servers: Record<string, Server> = {};
    before(async () => {
      testServer = await startTestServer({
        // Advances on every call, so that no two resources have the same creation time.
        clock: () => (now += 1),
        schedulerIntervals: { dueMs: 100, sweepMs: 200 },
        environment: {
          ...(await engine.environment()),
          ...storage.environment(),
          DEVPILOT_LOCAL_SERVER: 'on',
          DEVPILOT_BACKUP_MAX_MB: '2',
        },
      });
      owner = await signUpOwner(testServer);
      member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
      project = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
      const address = { host: '127.0.0.1', port: sshd.port, user: sshd.user, hostKey: sshd.hostKey };
      const ssh = { name: 'Over ssh', kind: 'ssh', ...address };
      servers['ssh'] = (await owner.call<Server>('/v1/servers', { body: ssh })).body;
      servers['local'] = (await owner.call<Server>('/v1/servers', { body: { name: 'Here', kind: 'local' } })).body;
      sshd.authorize([servers['ssh'].publicKey ?? '']);
    });
    after(() => testServer.close());

    /** Returns the stored files of backups, including those that are still being written. */
    function listStoredFiles(): string[] {
      const folder = storage.name === 'a bucket' ? s3.folder : join(testServer.dataDirectory, 'backups');
      return globSync('**/*', { cwd: folder })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile() && /bak_/.test(path))
        .filter((path) => !/_S3rver_(?:object\.md5|metadata\.json)$/.test(path));
    }
    const listStoredFilesOf = (id: string) => listStoredFiles().filter((path) => path.includes(id));

    async function createApp(fields: object = {}, serverKind = 'local'): Promise<{ app: App; directory: string }> {
      const directory = temporaryDirectory();
      const body = { name: 'Web shop', projectId: project.id, serverId: servers[serverKind]?.id, directory, ...fields };
      const created = await owner.call<App>('/v1/apps', { body });
      assert.equal(created.status, 201, created.text);
      return { app: created.body, directory };
    }
    function fillSharedDirectory(directory: string): void {
      const shared = join(directory, 'shared');
      mkdirSync(join(shared, 'uploads/empty'), { recursive: true });
      writeFileSync(join(shared, 'uploads/a file with $(touch x) "quotes"'), Buffer.from([0, 255, 10, 128]));
      writeFileSync(join(shared, 'run.sh'), 'echo\n');
      chmodSync(join(shared, 'run.sh'), 0o750);
      symlinkSync('uploads', join(shared, 'link'));
      chmodSync(shared, 0o710);
    }
    /** Returns the path, mode, type and link target of each shared file, and the digests of their contents. */
    function readSharedState(directory: string): string[] {
      return execFileSync('sh', [
        '-c',
        'cd "$1" && find . -printf "%p %m %y %l\\n" | sort; find . -type f -exec sha256sum {} + | sort',
        'sh',
        join(directory, 'shared'),
      ])
        .toString()
        .split('\n');
    }
    const listEntries = (directory: string) => readdirSync(directory).sort();
    async function startBackup(app: App, person = member): Promise<Backup> {
      const response = await person.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      return response.body;
    }
    const getBackup = async (id: string) => (await member.call<Backup>(`/v1/backups/${id}`)).body;
    async function waitUntilFinished(backup: Backup): Promise<Backup> {
      await until(async () => !['pending', 'processing'].includes((await getBackup(backup.id)).status));
      return getBackup(backup.id);
    }
    async function createCompletedBackup(app: App): Promise<Backup> {
      const backup = await waitUntilFinished(await startBackup(app));
      assert.equal(backup.status, 'completed', backup.error ?? '');
      return backup;
    }
    /** Restores a backup, by default into its own app, and waits for the result. */
    async function restoreAndWait(backup: Backup, target?: RestoreBackup): Promise<Backup> {
      const request = { method: 'POST', ...(target !== undefined && { body: target }) };
      const response = await owner.call<Backup>(`/v1/backups/${backup.id}/restore`, request);
      assert.equal(response.status, 202, response.text);
      assert.equal(response.body.status, 'pending');
      return waitUntilFinished(backup);
    }

    const fetchDownload = (backup: Backup) =>
      fetch(`${testServer.url}/v1/backups/${backup.id}/download`, { headers: { cookie: owner.cookie } });

    for (const serverKind of storage.name === 'a bucket' ? ['local'] : ['local', 'ssh']) {
      test(`a directory on a server of the kind ${serverKind} is backed up and restored byte for byte`, async () => {
        const { app, directory } = await createApp({}, serverKind);
        fillSharedDirectory(directory);
        const expectedState = readSharedState(directory);
        const backup = await createCompletedBackup(app);
        assert.match(backup.id, /^bak_/);
        assert.deepEqual([backup.appId, backup.kind, backup.createdBy.kind], [app.id, 'directory', 'person']);
        const [file = '', ...otherFiles] = listStoredFilesOf(backup.id);
        assert.deepEqual(otherFiles, []);
        const bytes = readFileSync(file);
        assert.equal(bytes.subarray(0, 16).toString(), 'devpilot-backup1');
        // Stored encrypted: the header of 48 bytes, and the tag of 16 bytes of the only chunk.
        assert.equal(bytes.length, (backup.sizeBytes ?? 0) + 48 + 16);
        const download = await fetchDownload(backup);
        assert.equal(download.headers.get('content-type'), 'application/gzip');
        assert.equal(download.headers.get('content-disposition'), `attachment; filename="${backup.id}.tar.gz"`);
        assert.equal(
          download.headers.get('repr-digest'),
          `sha-256=:${Buffer.from(backup.sha256 ?? '', 'hex').toString('base64')}:`,
        );
        const archive = Buffer.from(await download.arrayBuffer());
        const url = `/v1/backups/${backup.id}/download`;
        assert.equal((await owner.call(url, { method: 'HEAD' })).status, 200);
        const events = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${backup.id}`);
        assert.deepEqual(
          events.body.data.map(({ action }) => action).filter((action) => action === 'backup.downloaded'),
          ['backup.downloaded'],
        );
        assert.equal(archive.length, backup.sizeBytes);
        assert.equal(createHash('sha256').update(archive).digest('hex'), backup.sha256);
        assert.match(execFileSync('tar', ['-tzf', '-'], { input: archive }).toString(), /^\.\/run\.sh$/m);
        rmSync(join(directory, 'shared/uploads'), { recursive: true });
        writeFileSync(join(directory, 'shared/new'), 'since then');
        assert.equal(existsSync(join(directory, 'x')), false);
        const afterRestore = await restoreAndWait(backup);
        assert.deepEqual(
          [afterRestore.status, afterRestore.lastRestore?.status, afterRestore.lastRestore?.error],
          ['completed', 'completed', null],
        );
        assert.deepEqual(readSharedState(directory), expectedState);
        assert.equal(readlinkSync(join(directory, 'shared/link')), 'uploads');
        assert.deepEqual(listEntries(directory), ['shared']);
        assert.deepEqual(await getBackup(backup.id).then(({ sha256 }) => sha256), backup.sha256);
      });

      test(`on a server of the kind ${serverKind}, the complete output of the backup command is stored, and passed to the restore command`, async () => {
        const target = temporaryDirectory();
        const backupSettings = {
          command: 'printf %s "$DUMP"; cat "$FROM/database"',
          restoreCommand: `#!/bin/bash
            [ -n "$BASH_VERSION" ] && cat > "$FROM/restored" && ls -A > "$FROM/names"
            cat /proc/[0-9]*/cmdline > "$FROM/command-lines" 2>/dev/null; : not-on-a-command-line`,
        };
        const { app, directory } = await createApp({ backup: backupSettings }, serverKind);
        await owner.call(`/v1/apps/${app.id}/env`, {
          method: 'PATCH',
          body: { values: { DUMP: 'begin\n', FROM: target } },
        });
        writeFileSync(join(target, 'database'), Buffer.alloc(500_000, 'rows '));
        const backup = await createCompletedBackup(app);
        assert.equal(backup.kind, 'command');
        assert.ok((backup.sizeBytes ?? 0) < 10_000, 'the stored backup is compressed');
        const afterRestore = await restoreAndWait(backup);
        assert.equal(afterRestore.lastRestore?.status, 'completed', afterRestore.lastRestore?.error ?? '');
        const restoredDump = readFileSync(join(target, 'restored'));
        assert.ok(restoredDump.equals(Buffer.concat([Buffer.from('begin\n'), Buffer.alloc(500_000, 'rows ')])));
        assert.deepEqual(listEntries(directory), []);
        assert.doesNotMatch(readFileSync(join(target, 'command-lines'), 'latin1'), /not-on-a-command-line/);
      });
    }

    test('with bash as the interpreter, a backup fails if any command of a pipeline fails', async () => {
      const command = '{ echo rows; exit 5; } | cat';
      const { app } = await createApp({ backup: { command, restoreCommand: null, interpreter: '/bin/bash' } });
      const failed = await waitUntilFinished(await startBackup(app));
      assert.deepEqual([failed.status, failed.sha256], ['failed', null]);
      assert.match(failed.error ?? '', /ended with exit code 5/);
      const { data } = (await owner.call<Page<Notice>>('/v1/notices?kind=backup.failed')).body;
      const notice = data.find(({ subject }) => subject.id === app.id);
      assert.deepEqual([notice?.urgent, notice?.detail['backupId']], [true, failed.id]);
    });

    test('a failed backup reports the reason without secrets, and leaves no file behind', async () => {
      const failingCommands: [command: string, reason: RegExp][] = [
        [
          'echo half; echo "no database at $URL" >&2; exit 3',
          /ended with exit code 3\. Output:\nno database at \[secret\]$/,
        ],
        ['true', /produced no output/],
        ['head -c 3000000 /dev/urandom', /larger than 2 MB/],
        ['kill -9 $$', /was killed by SIGKILL/],
      ];
      for (const [command, reason] of failingCommands) {
        const { app } = await createApp({ backup: { command, restoreCommand: null } });
        const values = { URL: 'postgres://shop:pa55word@db/shop' };
        await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });
        const backup = await waitUntilFinished(await startBackup(app));
        assert.equal(backup.status, 'failed', command);
        assert.match(backup.error ?? '', reason);
        assert.deepEqual([backup.sizeBytes, backup.sha256, listStoredFilesOf(backup.id)], [null, null, []]);
        const refused = await owner.call<ProblemBody>(`/v1/backups/${backup.id}/restore`, { method: 'POST' });
        assert.equal(refused.status, 409);
        assert.match(refused.body.detail, /nothing to restore/);
      }
      const { app } = await createApp();
      const withoutSharedDirectory = await waitUntilFinished(await startBackup(app));
      assert.equal(withoutSharedDirectory.status, 'failed');
      assert.match(withoutSharedDirectory.error ?? '', /shared/);
    });

    test('a backup can be restored into only one app at a time', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      const targets = [app, (await createApp()).app, (await createApp()).app];
      const statuses = await Promise.all(
        targets.map(async ({ id }) => {
          const { status } = await owner.call(`/v1/backups/${backup.id}/restore`, { body: { app: id } });
          return status;
        }),
      );
      assert.deepEqual(statuses.toSorted(), [202, 409, 409]);
      await waitUntilFinished(backup);
    });

    test('a backup succeeds if a file changes while it is read, and fails if a file cannot be read', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      await withPrograms(
        { tar: '/bin/tar "$@"; echo "tar: ./log: file changed as we read it" >&2; exit 1' },
        async () => {
          assert.equal((await waitUntilFinished(await startBackup(app))).status, 'completed');
        },
      );
      await withPrograms(
        { tar: '/bin/tar "$@"; echo "tar: ./log: Cannot open: Permission denied" >&2; exit 1' },
        async () => {
          assert.equal((await waitUntilFinished(await startBackup(app))).status, 'failed');
        },
      );
    });

    test('a damaged backup can be neither downloaded nor restored, and nothing is changed', async () => {
      const commandBackup = { command: 'cat shared/run.sh', restoreCommand: 'touch touched' };
      for (const backupSettings of [null, commandBackup]) {
        for (const damage of ['flipped bit', 'truncated file', 'deleted file'] as const) {
          const { app, directory } = await createApp({ backup: backupSettings });
          fillSharedDirectory(directory);
          const backup = await createCompletedBackup(app);
          const stateBefore = readSharedState(directory);
          const [file = ''] = listStoredFilesOf(backup.id);
          const bytes = readFileSync(file);
          if (damage === 'flipped bit') {
            const middle = bytes.length >> 1;
            bytes[middle] = (bytes[middle] ?? 0) ^ 1;
            writeFileSync(file, bytes);
          } else if (damage === 'truncated file') writeFileSync(file, bytes.subarray(0, -3));
          else unlinkSync(file);
          assert.equal((await fetchDownload(backup)).status, 409, damage);
          const afterRestore = await restoreAndWait(backup);
          assert.deepEqual([afterRestore.status, afterRestore.lastRestore?.status], ['failed', 'failed'], damage);
          assert.match(
            afterRestore.lastRestore?.error ?? '',
            /(?:is damaged or incomplete, or it is the data of another backup|was not found)\. Nothing was restored\./,
          );
          assert.deepEqual(readSharedState(directory), stateBefore);
          assert.deepEqual(listEntries(directory), ['shared']);
        }
      }
    });

    test('a backup can be neither downloaded nor restored if its stored file was exchanged with that of another backup', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const [first, second] = [await createCompletedBackup(app), await createCompletedBackup(app)];
      const [[firstPath = ''], [secondPath = '']] = [listStoredFilesOf(first.id), listStoredFilesOf(second.id)];
      const firstBytes = readFileSync(firstPath);
      writeFileSync(firstPath, readFileSync(secondPath));
      writeFileSync(secondPath, firstBytes);
      for (const backup of [first, second]) {
        assert.equal((await fetchDownload(backup)).status, 409);
        assert.match(
          (await restoreAndWait(backup)).lastRestore?.error ?? '',
          /the data of another backup\. Nothing was restored/,
        );
      }
    });

    // The test edits the SQLite database to imitate an earlier version.
    if (engine.name === 'sqlite' && storage.name === 'the data directory')
      test('backups stay readable after the backup key was replaced, as do backups stored without encryption', async () => {
        const { app, directory } = await createApp();
        fillSharedDirectory(directory);
        const expectedState = readSharedState(directory);
        const old = await createCompletedBackup(app);
        const key = await owner.call<BackupKey>('/v1/backup-keys', { method: 'POST' });
        assert.equal(key.status, 201, key.text);
        const recent = await createCompletedBackup(app);
        using database = new DatabaseSync(join(testServer.dataDirectory, 'devpilot.db'));
        const encryptionKeyId = ({ id }: Backup) =>
          database.prepare('select key_id from stored_object where id = ?').get(id)?.['key_id'];
        assert.equal(encryptionKeyId(recent), key.body.id);
        assert.match(String(encryptionKeyId(old)), /^bky_/);
        assert.notEqual(encryptionKeyId(old), key.body.id);
        // Replaces the stored file with the plain archive, as a version without encryption stored it.
        const unencrypted = await createCompletedBackup(app);
        const archive = Buffer.from(await (await fetchDownload(unencrypted)).arrayBuffer());
        writeFileSync(listStoredFilesOf(unencrypted.id)[0] ?? '', archive);
        database.prepare('update stored_object set key_id = null where id = ?').run(unencrypted.id);
        for (const backup of [old, recent, unencrypted]) {
          rmSync(join(directory, 'shared/run.sh'));
          assert.equal((await fetchDownload(backup)).status, 200);
          assert.equal((await restoreAndWait(backup)).lastRestore?.status, 'completed');
          assert.deepEqual(readSharedState(directory), expectedState);
        }
      });

    test('a restore that fails while unpacking or while swapping the directories keeps the old state', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      writeFileSync(join(directory, 'shared/new'), 'since then');
      const stateBefore = readSharedState(directory);
      const failures = {
        tar: 'case "$1" in -x*) head -c 20 >/dev/null; echo "tar: disk full" >&2; exit 2;; *) exec /bin/tar "$@";; esac',
        mv: 'case "$1" in .restore-*) echo "mv: no" >&2; exit 1;; *) exec /bin/mv "$@";; esac',
      };
      for (const [name, script] of Object.entries(failures)) {
        await withPrograms({ [name]: script }, async () => {
          const afterRestore = await restoreAndWait(backup);
          assert.deepEqual([afterRestore.status, afterRestore.lastRestore?.status], ['completed', 'failed']);
          assert.match(afterRestore.lastRestore?.error ?? '', name === 'tar' ? /disk full/ : /mv: no/);
          assert.deepEqual(readSharedState(directory), stateBefore);
          assert.deepEqual(listEntries(directory), ['shared']);
        });
      }
      // The next restore cleans up what an interrupted one left behind.
      execFileSync('mv', ['shared', '.before-res_01broken'], { cwd: directory });
      mkdirSync(join(directory, '.restore-res_01broken'));
      const afterRestore = await restoreAndWait(backup);
      assert.equal(afterRestore.lastRestore?.status, 'completed', afterRestore.lastRestore?.error ?? '');
      assert.deepEqual(listEntries(directory), ['shared']);
      assert.equal(existsSync(join(directory, 'shared/new')), false);
    });

    test('a failed restore command is reported with its output, and the dump is removed from the server', async () => {
      const backupSettings = {
        command: 'echo rows',
        restoreCommand: 'cat >/dev/null; echo "no such table" >&2; exit 4',
      };
      const { app, directory } = await createApp({ backup: backupSettings });
      const afterRestore = await restoreAndWait(await createCompletedBackup(app));
      assert.equal(afterRestore.status, 'completed');
      assert.match(afterRestore.lastRestore?.error ?? '', /ended with exit code 4\. Output:\nno such table/);
      assert.deepEqual(listEntries(directory), []);
    });

    test('an impossible backup or restore is refused, and a refused restore names the missing setting', async () => {
      const withoutServer = await createApp({ serverId: null });
      const withoutDirectory = await createApp({ directory: null });
      for (const { app } of [withoutServer, withoutDirectory]) {
        assert.equal((await member.call(`/v1/apps/${app.id}/backups`, { method: 'POST' })).status, 409);
      }
      assert.equal((await member.call('/v1/apps/nothing/backups', { method: 'POST' })).status, 404);
      const { app } = await createApp({ backup: { command: 'echo rows', restoreCommand: null } });
      const backup = await createCompletedBackup(app);
      const refused = await owner.call<ProblemBody>(`/v1/backups/${backup.id}/restore`, { method: 'POST' });
      assert.equal(refused.status, 409);
      assert.match(refused.body.detail, /restoreCommand/);
      const withUnknownField = await member.call(`/v1/apps/${app.id}/backups`, { body: { label: 'x' } });
      assert.equal(withUnknownField.status, 422);
    });

    test('an app runs one backup job at a time, and a pending or running backup cannot be deleted', async () => {
      const { app, directory } = await createApp({
        backup: {
          command: 'echo begin >> log; while [ ! -e go ]; do sleep 0.05; done; echo end >> log; echo rows',
          restoreCommand: null,
        },
      });
      const backups = await Promise.all([startBackup(app), startBackup(app), startBackup(app)]);
      await until(async () => existsSync(join(directory, 'log')));
      for (const { id } of backups) {
        assert.equal((await owner.call(`/v1/backups/${id}`, { method: 'DELETE' })).status, 409);
      }
      writeFileSync(join(directory, 'go'), '');
      for (const backup of backups) assert.equal((await waitUntilFinished(backup)).status, 'completed');
      assert.equal(readFileSync(join(directory, 'log'), 'utf8'), 'begin\nend\n'.repeat(3));
    });

    test("deleting a backup deletes its stored file; backups of a deleted app stay available by the app's ID", async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const [older, newer] = [await createCompletedBackup(app), await createCompletedBackup(app)];
      const listBackups = async (path: string) =>
        (await member.call<Page<Backup>>(`/v1/apps/${path}/backups`)).body.data;
      assert.deepEqual(
        (await listBackups(app.slug)).map(({ id }) => id),
        [newer.id, older.id],
      );
      const firstPage = await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups?limit=1`);
      const secondPage = await member.call<Page<Backup>>(
        `/v1/apps/${app.id}/backups?limit=1&cursor=${firstPage.body.nextCursor}`,
      );
      assert.deepEqual([...firstPage.body.data, ...secondPage.body.data], await listBackups(app.id));
      assert.equal((await owner.call(`/v1/backups/${older.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(listStoredFilesOf(older.id), []);
      assert.equal((await member.call(`/v1/backups/${older.id}`)).status, 404);
      assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(
        (await listBackups(app.id)).map(({ id }) => id),
        [newer.id],
      );
      const refused = await owner.call<ProblemBody>(`/v1/backups/${newer.id}/restore`, { method: 'POST' });
      assert.match(refused.body.detail, /app of this backup was deleted/);
      assert.equal((await owner.call(`/v1/backups/${newer.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(listStoredFilesOf(newer.id), []);
      assert.equal((await member.call(`/v1/apps/${app.id}/backups`)).status, 404);
    });

    test('deleting a workspace deletes the stored files of its backups', async () => {
      const shortLived = await createWorkspaceFor(owner, testServer, 'Short-lived');
      const shop = (await shortLived.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
      const here = (await shortLived.call<Server>('/v1/servers', { body: { name: 'Here', kind: 'local' } })).body;
      const body = {
        name: 'Shop',
        projectId: shop.id,
        serverId: here.id,
        backup: { command: 'echo rows', restoreCommand: null },
      };
      const app = (await shortLived.call<App>('/v1/apps', { body })).body;
      const { id } = (await shortLived.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' })).body;
      await until(async () => (await shortLived.call<Backup>(`/v1/backups/${id}`)).body.status === 'completed');
      assert.equal(listStoredFilesOf(id).length, 1);
      assert.equal(
        (await shortLived.call(`/v1/workspaces/${shortLived.workspaceId}`, { method: 'DELETE' })).status,
        204,
      );
      await until(async () => listStoredFilesOf(id).length === 0);
    });

    test('members can create and read backups, API keys with manage_backups can also restore and delete them, and other credentials can do nothing', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      const requests: [method: string, path: string, memberStatus: number][] = [
        ['GET', `/v1/apps/${app.id}/backups`, 200],
        ['POST', `/v1/apps/${app.id}/backups`, 202],
        ['GET', `/v1/backups/${backup.id}`, 200],
        ['GET', `/v1/backups/${backup.id}/download`, 403],
        ['POST', `/v1/backups/${backup.id}/restore`, 403],
        ['DELETE', `/v1/backups/${backup.id}`, 403],
      ];
      const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Next door');
      const token = await createToken(owner, ['all']);
      const otherKey = await createKey(
        owner,
        PERMISSIONS.filter((permission) => permission !== 'manage_backups'),
      );
      for (const [method, path, memberStatus] of requests) {
        assert.equal((await member.call(path, { method })).status, memberStatus, `${method} ${path}`);
        assert.equal((await ownerInOtherWorkspace.call(path, { method })).status, 404, `${method} ${path}`);
        assert.equal((await testServer.call(path, { method, headers: bearer(token.secret) })).status, 403);
        assert.equal((await testServer.call(path, { method, headers: bearer(otherKey.secret) })).status, 403);
      }
      const key = await createKey(owner, ['manage_backups'], { name: 'Backup robot' });
      const asKey = <Body>(method: string, path: string) =>
        testServer.call<Body>(path, { method, headers: bearer(key.secret) });
      const created = await asKey<Backup>('POST', `/v1/apps/${app.id}/backups`);
      assert.deepEqual(created.body.createdBy, { kind: 'api_key', id: key.id, name: 'Backup robot' });
      await waitUntilFinished(created.body);
      assert.equal((await asKey('POST', `/v1/backups/${created.body.id}/restore`)).status, 202);
      assert.equal((await waitUntilFinished(created.body)).lastRestore?.status, 'completed');
      assert.equal((await asKey('DELETE', `/v1/backups/${created.body.id}`)).status, 204);
      const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${created.body.id}`);
      assert.deepEqual(
        log.body.data.map(({ action, actor }) => `${action} ${actor.kind}`),
        [
          'backup.deleted api_key',
          'backup.restore_finished system',
          'backup.restore_started api_key',
          'backup.finished system',
          'backup.created api_key',
        ],
      );
    });

    async function verifyAndWait(backup: Backup): Promise<Backup> {
      const response = await member.call<Backup>(`/v1/backups/${backup.id}/verify`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      assert.equal(response.body.lastVerification?.status, 'pending');
      await until(async () => (await getBackup(backup.id)).lastVerification?.finishedAt !== null);
      return getBackup(backup.id);
    }
    const findFailureNotice = async (app: App) =>
      (await owner.call<Page<Notice>>('/v1/notices?kind=backup.failed')).body.data.find(
        ({ subject }) => subject.id === app.id,
      );

    test('a schedule creates backups, and retention keeps the newest', async () => {
      const { app, directory } = await createApp({
        backup: { command: null, restoreCommand: null, schedule: '0 4 * * *', keep: { last: 2, days: 5 } },
      });
      assert.deepEqual(app.backup, {
        command: null,
        restoreCommand: null,
        schedule: '0 4 * * *',
        keep: { last: 2, days: 5 },
      });
      fillSharedDirectory(directory);
      const listBackups = async () => (await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups`)).body.data;
      const scheduledIds: string[] = [];
      for (let day = 1; day <= 3; day++) {
        now += DAY;
        await until(async () =>
          (await listBackups()).some(({ id, status }) => status === 'completed' && !scheduledIds.includes(id)),
        );
        const [newest] = await listBackups();
        assert.equal(newest?.createdBy.kind, 'system');
        scheduledIds.push(newest?.id ?? '');
      }
      assert.deepEqual(
        (await listBackups()).map(({ id }) => id),
        scheduledIds.slice(1).reverse(),
      );
      await until(async () => listStoredFilesOf(scheduledIds[0] ?? '').length === 0);
      // Ten days later both are too old. The schedule creates another one, and the newest is always kept.
      now += 10 * DAY;
      await until(
        async () => (await listBackups()).length === 1 && !scheduledIds.includes((await listBackups())[0]?.id ?? ''),
      );
      const withoutSchedule = { command: null, restoreCommand: null };
      const edited = await owner.call<App>(`/v1/apps/${app.id}`, {
        method: 'PATCH',
        body: { backup: withoutSchedule },
      });
      assert.deepEqual(edited.body.backup, withoutSchedule);
      const february31 = { backup: { schedule: '0 0 31 2 *' } };
      assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: february31 })).status, 422);
    });

    // The remaining tests do not depend on where backups are stored.
    if (storage.name === 'a bucket') return;

    test('a backup can be restored into another app and on another server, and its own app stays unchanged', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const expectedState = readSharedState(directory);
      const backup = await createCompletedBackup(app);
      const staging = await createApp({ name: 'Staging' }, 'ssh');
      const intoOtherApp = await restoreAndWait(backup, { app: staging.app.slug });
      assert.deepEqual(
        [intoOtherApp.lastRestore?.status, intoOtherApp.lastRestore?.appId, intoOtherApp.lastRestore?.serverId],
        ['completed', staging.app.id, null],
      );
      assert.deepEqual(readSharedState(staging.directory), expectedState);
      writeFileSync(join(directory, 'shared/new'), 'since then');
      // The target directory does not exist yet.
      const moved = await owner.call<App>(`/v1/apps/${staging.app.id}`, {
        method: 'PATCH',
        body: { directory: `${staging.directory}/not/created/yet`, serverId: null },
      });
      const onOtherServer = await restoreAndWait(backup, { app: moved.body.id, server: servers['local']?.slug ?? '' });
      assert.deepEqual(
        [onOtherServer.lastRestore?.status, onOtherServer.lastRestore?.serverId],
        ['completed', servers['local']?.id],
      );
      assert.deepEqual(readSharedState(`${staging.directory}/not/created/yet`), expectedState);
      assert.equal(existsSync(join(directory, 'shared/new')), true);
      const { data } = (await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${backup.id}`)).body;
      const { detail } = data.find(({ action }) => action === 'backup.restore_started') ?? {};
      assert.deepEqual(detail, {
        app: { id: staging.app.id, name: 'Staging' },
        from: { id: app.id, name: 'Web shop' },
        server: servers['local']?.id,
      });
    });

    test('a dump restored into another app is passed to the restore command of that app, with its variables', async () => {
      const source = await createApp({ backup: { command: 'echo rows', restoreCommand: 'cat > restored' } });
      const target = await createApp({ backup: { restoreCommand: 'cat > restored; echo "$NAME" >> restored' } });
      const values = { NAME: 'staging' };
      await owner.call(`/v1/apps/${target.app.id}/env`, { method: 'PATCH', body: { values } });
      const backup = await createCompletedBackup(source.app);
      assert.equal((await restoreAndWait(backup, { app: target.app.id })).lastRestore?.status, 'completed');
      assert.equal(readFileSync(join(target.directory, 'restored'), 'utf8'), 'rows\nstaging\n');
      assert.deepEqual(listEntries(source.directory), []);
      // A backup outlives its app.
      assert.equal((await owner.call(`/v1/apps/${source.app.id}`, { method: 'DELETE' })).status, 204);
      assert.equal((await restoreAndWait(backup, { app: target.app.id })).lastRestore?.status, 'completed');
    });

    test("to restore an app's backup into another app, an API key needs access to both; to choose a server, it must be unrestricted and have manage_servers", async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      const otherApp = (await createApp()).app;
      const path = `/v1/backups/${backup.id}/restore`;
      const server = servers['ssh']?.id;
      const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
      const shop = (await ownerInOtherWorkspace.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
      const appBody = { name: 'Neighbor shop', projectId: shop.id };
      const appOfOtherWorkspace = (await ownerInOtherWorkspace.call<App>('/v1/apps', { body: appBody })).body;
      const bothApps = { apps: [app.id, otherApp.id] };
      const oneApp = { apps: [app.id] };
      const createKeyHeaders = async (permissions: readonly Permission[], restrictions?: object) =>
        bearer((await createKey(owner, permissions, restrictions === undefined ? {} : { restrictions })).secret);
      const forBackups = await createKeyHeaders(['manage_backups']);
      const forBackupsAndServers = await createKeyHeaders(['manage_backups', 'manage_servers']);
      type Headers = Readonly<Record<string, string>>;
      const refused: [name: string, headers: Headers, body: object, status: number][] = [
        ['an app of another workspace', forBackups, { app: appOfOtherWorkspace.id }, 422],
        ['an unknown app', forBackups, { app: 'nothing' }, 422],
        ['an unknown field', forBackups, { directory: '/' }, 422],
        [
          'an app that the key does not include',
          await createKeyHeaders(['manage_backups'], oneApp),
          { app: otherApp.id },
          422,
        ],
        ['a server, without manage_servers', forBackups, { server }, 403],
        ['a server, without manage_backups', await createKeyHeaders(['manage_servers']), { server }, 403],
        [
          'a server, with a restricted key',
          await createKeyHeaders(['manage_backups', 'manage_servers'], bothApps),
          { server },
          422,
        ],
        ['an unknown server', forBackupsAndServers, { server: 'nothing' }, 422],
      ];
      for (const [name, headers, body, status] of refused)
        assert.equal((await testServer.call(path, { body, headers })).status, status, name);
      const accepted: [headers: Headers, body: object][] = [
        [await createKeyHeaders(['manage_backups'], bothApps), { app: otherApp.id }],
        [forBackupsAndServers, { server }],
      ];
      for (const [headers, body] of accepted) {
        const response = await testServer.call(path, { body, headers });
        assert.equal(response.status, 202, response.text);
        assert.equal((await waitUntilFinished(backup)).lastRestore?.status, 'completed');
      }
    });

    test('a credential that is restricted to the app of a backup does not see restores into other apps', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      const otherApp = (await createApp()).app;
      const { secret } = await createKey(owner, ['manage_backups'], { restrictions: { apps: [app.id] } });
      const restoredApps = async (headers: Readonly<Record<string, string>>) => {
        const one = await testServer.call<Backup>(`/v1/backups/${backup.id}`, { headers });
        const list = await testServer.call<{ data: Backup[] }>(`/v1/apps/${app.id}/backups`, { headers });
        return [one.body, ...list.body.data].map(({ lastRestore }) => lastRestore?.appId ?? null);
      };
      const unrestricted = bearer((await createKey(owner, ['manage_backups'])).secret);
      for (const target of [app.id, otherApp.id]) {
        await owner.call(`/v1/backups/${backup.id}/restore`, { body: { app: target } });
        await waitUntilFinished(backup);
        assert.deepEqual(await restoredApps(unrestricted), [target, target]);
        assert.deepEqual(await restoredApps(bearer(secret)), [app.id, app.id]);
      }
    });

    test('a verification restores into a scratch directory, compares each file, and leaves nothing behind', async () => {
      for (const serverKind of ['local', 'ssh']) {
        const { app, directory } = await createApp({}, serverKind);
        fillSharedDirectory(directory);
        const backup = await createCompletedBackup(app);
        assert.deepEqual([backup.verifiedAt, backup.lastVerification], [null, null]);
        writeFileSync(join(directory, 'shared/run.sh'), 'changed since\n');
        const stateBefore = readSharedState(directory);
        const verifiedBackup = await verifyAndWait(backup);
        assert.deepEqual(
          [
            verifiedBackup.lastVerification?.status,
            verifiedBackup.lastVerification?.method,
            verifiedBackup.lastVerification?.error,
          ],
          ['completed', 'unpacked', null],
        );
        assert.equal(verifiedBackup.verifiedAt, verifiedBackup.lastVerification?.finishedAt);
        assert.deepEqual(readSharedState(directory), stateBefore);
        assert.deepEqual(listEntries(directory), ['shared']);
      }
    });

    test('a verification that finds a difference or damage fails, and raises a notice that stays until a verification succeeds', async () => {
      const { app, directory } = await createApp();
      fillSharedDirectory(directory);
      const backup = await createCompletedBackup(app);
      const changeWhileUnpacking =
        'case "$1" in -x*) /bin/tar "$@"; echo other > "$4/run.sh";; *) exec /bin/tar "$@";; esac';
      await withPrograms({ tar: changeWhileUnpacking }, async () => {
        const { status, lastVerification, verifiedAt } = await verifyAndWait(backup);
        assert.deepEqual([status, lastVerification?.status, verifiedAt], ['completed', 'failed', null]);
        assert.match(lastVerification?.error ?? '', /run\.sh: (?:Contents|Size|Mod time) differ/);
      });
      assert.deepEqual(listEntries(directory), ['shared']);
      assert.match((await findFailureNotice(app))?.title ?? '', /The verification of a backup of .*Web shop.* failed/);
      // A new backup does not resolve the notice, because only a verification shows that backups can be restored.
      const newer = await createCompletedBackup(app);
      assert.notEqual(await findFailureNotice(app), undefined);
      assert.equal((await verifyAndWait(newer)).lastVerification?.status, 'completed');
      assert.equal(await findFailureNotice(app), undefined);
      const [file = ''] = listStoredFilesOf(newer.id);
      writeFileSync(file, readFileSync(file).subarray(0, -1));
      const damaged = await verifyAndWait(newer);
      assert.deepEqual([damaged.status, damaged.lastVerification?.status], ['failed', 'failed']);
      assert.match(damaged.error ?? '', /damaged/);
      const keepOne = { backup: { command: null, restoreCommand: null, keep: { last: 1 } } };
      assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: keepOne })).status, 200);
      await createCompletedBackup(app);
      assert.equal((await member.call(`/v1/backups/${newer.id}`)).status, 404, 'retention deletes damaged backups too');
    });

    test('a dump is verified by the verification command, or by reading it if there is none', async () => {
      const backupSettings = { command: 'echo rows', restoreCommand: null };
      const { app, directory } = await createApp({ backup: backupSettings });
      const backup = await createCompletedBackup(app);
      assert.equal((await verifyAndWait(backup)).lastVerification?.method, 'stored');
      const setVerifyCommand = async (verifyCommand: string) => {
        const body = { backup: { ...backupSettings, verifyCommand } };
        assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body })).status, 200);
      };
      await setVerifyCommand('cat > "$DEVPILOT_FOLDER/copy"; grep -qx rows "$DEVPILOT_FOLDER/copy"');
      const verifiedByCommand = await verifyAndWait(backup);
      assert.deepEqual(
        [verifiedByCommand.lastVerification?.status, verifiedByCommand.lastVerification?.method],
        ['completed', 'command'],
        verifiedByCommand.lastVerification?.error ?? '',
      );
      await setVerifyCommand('echo "no such table" >&2; exit 1');
      assert.match((await verifyAndWait(backup)).lastVerification?.error ?? '', /verification command.*no such table/s);
      assert.deepEqual(listEntries(directory), []);
    });

    test('a schedule verifies the newest backup, and retention keeps the newest verified backup', async () => {
      const settings = { command: null, restoreCommand: null, keep: { last: 1 } };
      const { app, directory } = await createApp({ backup: { ...settings, verifySchedule: '0 5 * * *' } });
      fillSharedDirectory(directory);
      const first = await createCompletedBackup(app);
      now += DAY;
      await until(async () => (await getBackup(first.id)).verifiedAt !== null);
      const listBackups = async () => (await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups`)).body.data;
      assert.equal((await listBackups())[0]?.lastVerification?.createdBy.kind, 'system');
      const second = await createCompletedBackup(app);
      const third = await createCompletedBackup(app);
      assert.deepEqual(
        (await listBackups()).map(({ id }) => id),
        [third.id, first.id],
      );
      assert.equal((await member.call(`/v1/backups/${second.id}`)).status, 404);
      assert.equal((await verifyAndWait(third)).lastVerification?.status, 'completed');
      const fourth = await createCompletedBackup(app);
      assert.deepEqual(
        (await listBackups()).map(({ id }) => id),
        [fourth.id, third.id],
      );
    });
  });
}
