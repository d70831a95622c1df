import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Backup, BackupKey, RestoreBackup } from '../contract/backups.ts';
import { DAY } from '../contract/limits.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import type { Server } from '../contract/servers.ts';
import { PERMISSIONS, type Permission } from '../contract/vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
import { startS3, type TestS3 } from '../testing/s3.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
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

interface ProblemAnswer {
  code: string;
  detail: string;
}

let sshd: TestSshd;
let s3: TestS3;
let root: string;
before(async () => {
  [sshd, s3] = await Promise.all([startSshd(), startS3()]);
  root = mkdtempSync(join(tmpdir(), 'devpilot-backups-'));
});
after(async () => {
  await Promise.all([sshd.close(), s3.close()]);
  rmSync(root, { recursive: true, force: true });
});

const bucket = () => ({
  DEVPILOT_BACKUP_BUCKET: s3.url,
  DEVPILOT_BACKUP_ACCESS_KEY_ID: s3.accessKeyId,
  DEVPILOT_BACKUP_SECRET_ACCESS_KEY: s3.secretAccessKey,
});

/** Puts these programs first in `PATH` for servers that are this machine. */
async function withPrograms(programs: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(root, 'bin-'));
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  try {
    await work();
  } finally {
    process.env['PATH'] = path;
  }
}

const KEEPERS = [
  { name: 'the data directory', environment: () => ({}) },
  { name: 'a bucket', environment: bucket },
];
for (const keeper of KEEPERS) {
  forEachEngine(`backups in ${keeper.name}`, (engine) => {
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
        work: { dueMs: 100, sweepMs: 200 },
        environment: {
          ...(await engine.environment()),
          ...keeper.environment(),
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

    /** Files that contain backups, or that are being written. */
    function stored(): string[] {
      const folder = keeper.name === 'a bucket' ? s3.folder : join(testServer.dataDirectory, 'backups');
      return globSync('**/*', { cwd: folder })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile() && /bak_/.test(path))
        .filter((path) => !/_S3rver_(?:object\.md5|metadata\.json)$/.test(path));
    }
    const storedOf = (id: string) => stored().filter((path) => path.includes(id));

    async function newApp(more: object = {}, serverKind = 'local'): Promise<{ app: App; directory: string }> {
      const directory = mkdtempSync(join(root, 'app-'));
      const body = { name: 'Web shop', projectId: project.id, serverId: servers[serverKind]?.id, directory, ...more };
      const created = await owner.call<App>('/v1/apps', { body });
      assert.equal(created.status, 201, created.text);
      return { app: created.body, directory };
    }
    function fill(directory: string): void {
      const shared = join(directory, 'shared');
      mkdirSync(join(shared, 'uploads/empty'), { recursive: true });
      writeFileSync(join(shared, 'uploads/a file with $(touch x) "quotes"'), Buffer.from([0, 255, 10, 128]));
      writeFileSync(join(shared, 'run.sh'), 'echo\n');
      chmodSync(join(shared, 'run.sh'), 0o750);
      symlinkSync('uploads', join(shared, 'link'));
      chmodSync(shared, 0o710);
    }
    function state(directory: string): string[] {
      return execFileSync('sh', [
        '-c',
        'cd "$1" && find . -printf "%p %m %y %l\\n" | sort; find . -type f -exec sha256sum {} + | sort',
        'sh',
        join(directory, 'shared'),
      ])
        .toString()
        .split('\n');
    }
    const names = (directory: string) => readdirSync(directory).sort();
    async function startBackup(app: App, person = member): Promise<Backup> {
      const response = await person.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      return response.body;
    }
    const get = async (id: string) => (await member.call<Backup>(`/v1/backups/${id}`)).body;
    async function waitUntilFinished(backup: Backup): Promise<Backup> {
      await until(async () => !['pending', 'processing'].includes((await get(backup.id)).status));
      return get(backup.id);
    }
    async function completed(app: App): Promise<Backup> {
      const backup = await waitUntilFinished(await startBackup(app));
      assert.equal(backup.status, 'completed', backup.error ?? '');
      return backup;
    }
    async function restored(backup: Backup, target: RestoreBackup | null = null): Promise<Backup> {
      const call = target === null ? { method: 'POST' } : { body: target };
      const response = await owner.call<Backup>(`/v1/backups/${backup.id}/restore`, call);
      assert.equal(response.status, 202, response.text);
      assert.equal(response.body.status, 'pending');
      return waitUntilFinished(backup);
    }

    const downloadOf = (backup: Backup) =>
      fetch(`${testServer.url}/v1/backups/${backup.id}/download`, { headers: { cookie: owner.cookie } });

    for (const serverKind of keeper.name === 'a bucket' ? ['local'] : ['local', 'ssh']) {
      test(`a directory on ${serverKind} is backed up and restored byte for byte, and its old state stays until then`, async () => {
        const { app, directory } = await newApp({}, serverKind);
        fill(directory);
        const expectedState = state(directory);
        const backup = await completed(app);
        assert.match(backup.id, /^bak_/);
        assert.deepEqual([backup.appId, backup.kind, backup.createdBy.kind], [app.id, 'directory', 'person']);
        const [file = '', ...others] = storedOf(backup.id);
        assert.deepEqual(others, []);
        const bytes = readFileSync(file);
        assert.equal(bytes.subarray(0, 16).toString(), 'devpilot-backup1');
        assert.equal(bytes.length, (backup.sizeBytes ?? 0) + 48 + 16);
        const download = await downloadOf(backup);
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
        const back = await restored(backup);
        assert.deepEqual(
          [back.status, back.lastRestore?.status, back.lastRestore?.error],
          ['completed', 'completed', null],
        );
        assert.deepEqual(state(directory), expectedState);
        assert.equal(readlinkSync(join(directory, 'shared/link')), 'uploads');
        assert.deepEqual(names(directory), ['shared']);
        assert.deepEqual(await get(backup.id).then(({ sha256 }) => sha256), backup.sha256);
      });

      test(`on ${serverKind} the output of a command is stored, and passed to the restore command once it is complete`, async () => {
        const target = mkdtempSync(join(root, 'db-'));
        const backupOf = {
          command: 'printf %s "$DUMP"; cat "$FROM/database"',
          restoreCommand: `#!/bin/bash
            [ -n "$BASH_VERSION" ] && cat > "$FROM/restored" && ls -A > "$FROM/names"
            cat /proc/[0-9]*/cmdline > "$FROM/seen" 2>/dev/null; : not-on-a-command-line`,
        };
        const { app, directory } = await newApp({ backup: backupOf }, serverKind);
        await owner.call(`/v1/apps/${app.id}/env`, {
          method: 'PATCH',
          body: { values: { DUMP: 'begin\n', FROM: target } },
        });
        writeFileSync(join(target, 'database'), Buffer.alloc(500_000, 'rows '));
        const backup = await completed(app);
        assert.equal(backup.kind, 'command');
        assert.ok((backup.sizeBytes ?? 0) < 10_000, 'it is compressed');
        const back = await restored(backup);
        assert.equal(back.lastRestore?.status, 'completed', back.lastRestore?.error ?? '');
        const given = readFileSync(join(target, 'restored'));
        assert.ok(given.equals(Buffer.concat([Buffer.from('begin\n'), Buffer.alloc(500_000, 'rows ')])));
        assert.deepEqual(names(directory), []);
        assert.doesNotMatch(readFileSync(join(target, 'seen'), 'latin1'), /not-on-a-command-line/);
      });
    }

    test('a backup whose pipeline fails on its left side fails if bash runs it', async () => {
      const command = '{ echo rows; exit 5; } | cat';
      const { app } = await newApp({ backup: { command, restoreCommand: null, interpreter: '/bin/bash' } });
      const failed = await waitUntilFinished(await startBackup(app));
      assert.deepEqual([failed.status, failed.sha256], ['failed', null]);
      assert.match(failed.error ?? '', /ended with exit code 5/);
      const { data } = (await owner.call<Page<Notice>>('/v1/notices?kind=backup.failed')).body;
      const notice = data.find(({ subject }) => subject.id === app.id);
      assert.deepEqual([notice?.urgent, notice?.detail['backupId']], [true, failed.id]);
    });

    test('a failed backup reports the reason without secrets, and leaves nothing behind', async () => {
      const failing: [string, RegExp][] = [
        [
          'echo half; echo "no database at $URL" >&2; exit 3',
          /ended with exit code 3\. Output:\nno database at \[secret\]$/,
        ],
        ['true', /produced no output/],
        ['head -c 3000000 /dev/urandom', /larger than 2 MB/],
        ['kill -9 $$', /ended by SIGKILL/],
      ];
      for (const [command, why] of failing) {
        const { app } = await newApp({ backup: { command, restoreCommand: null } });
        const values = { URL: 'postgres://shop:pa55word@db/shop' };
        await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });
        const backup = await waitUntilFinished(await startBackup(app));
        assert.equal(backup.status, 'failed', command);
        assert.match(backup.error ?? '', why);
        assert.deepEqual([backup.sizeBytes, backup.sha256, storedOf(backup.id)], [null, null, []]);
        const refused = await owner.call<ProblemAnswer>(`/v1/backups/${backup.id}/restore`, { method: 'POST' });
        assert.equal(refused.status, 409);
        assert.match(refused.body.detail, /nothing to restore/);
      }
      const { app } = await newApp();
      const bare = await waitUntilFinished(await startBackup(app));
      assert.equal(bare.status, 'failed');
      assert.match(bare.error ?? '', /shared/);
    });

    test('a backup is restored once at a time, also into several apps', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const backup = await completed(app);
      const targets = [app, (await newApp()).app, (await newApp()).app];
      const statuses = await Promise.all(
        targets.map(async ({ id }) => {
          const { status } = await owner.call(`/v1/backups/${backup.id}/restore`, { body: { app: id } });
          return status;
        }),
      );
      assert.deepEqual(statuses.toSorted(), [202, 409, 409]);
      await waitUntilFinished(backup);
    });

    test('a file that changes while it is read does not fail a backup', async () => {
      const { app, directory } = await newApp();
      fill(directory);
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

    test('a damaged backup is refused before anything is changed', async () => {
      const dumps = { command: 'cat shared/run.sh', restoreCommand: 'touch touched' };
      for (const backupOf of [null, dumps]) {
        for (const damage of ['a bit', 'the end', 'all of it'] as const) {
          const { app, directory } = await newApp({ backup: backupOf });
          fill(directory);
          const backup = await completed(app);
          const before = state(directory);
          const [file = ''] = storedOf(backup.id);
          const bytes = readFileSync(file);
          if (damage === 'a bit') {
            const middle = bytes.length >> 1;
            bytes[middle] = (bytes[middle] ?? 0) ^ 1;
            writeFileSync(file, bytes);
          } else if (damage === 'the end') writeFileSync(file, bytes.subarray(0, -3));
          else unlinkSync(file);
          assert.equal((await downloadOf(backup)).status, 409, damage);
          const back = await restored(backup);
          assert.deepEqual([back.status, back.lastRestore?.status], ['failed', 'failed'], damage);
          assert.match(
            back.lastRestore?.error ?? '',
            /(?:is damaged or incomplete, or it is the data of another backup|was not found)\. Nothing was restored\./,
          );
          assert.deepEqual(state(directory), before);
          assert.deepEqual(names(directory), ['shared']);
        }
      }
    });

    test('the stored files of two backups cannot be exchanged', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const [one, other] = [await completed(app), await completed(app)];
      const [[path = ''], [otherPath = '']] = [storedOf(one.id), storedOf(other.id)];
      const bytes = readFileSync(path);
      writeFileSync(path, readFileSync(otherPath));
      writeFileSync(otherPath, bytes);
      for (const backup of [one, other]) {
        assert.equal((await downloadOf(backup)).status, 409);
        assert.match(
          (await restored(backup)).lastRestore?.error ?? '',
          /the data of another backup\. Nothing was restored/,
        );
      }
    });

    // Edits the store as an earlier version left it.
    if (engine.name === 'sqlite' && keeper.name === 'the data directory')
      test('backups stay readable after the key was replaced, and those stored without encryption too', async () => {
        const { app, directory } = await newApp();
        fill(directory);
        const expectedState = state(directory);
        const old = await completed(app);
        const key = await owner.call<BackupKey>('/v1/backup-keys', { method: 'POST' });
        assert.equal(key.status, 201, key.text);
        const recent = await completed(app);
        using store = new DatabaseSync(join(testServer.dataDirectory, 'devpilot.db'));
        const keyOf = ({ id }: Backup) =>
          store.prepare('select key_id from stored_object where id = ?').get(id)?.['key_id'];
        assert.equal(keyOf(recent), key.body.id);
        assert.match(String(keyOf(old)), /^bky_/);
        assert.notEqual(keyOf(old), key.body.id);
        // As a version without encryption stored it.
        const plain = await completed(app);
        const archive = Buffer.from(await (await downloadOf(plain)).arrayBuffer());
        writeFileSync(storedOf(plain.id)[0] ?? '', archive);
        store.prepare('update stored_object set key_id = null where id = ?').run(plain.id);
        for (const backup of [old, recent, plain]) {
          rmSync(join(directory, 'shared/run.sh'));
          assert.equal((await downloadOf(backup)).status, 200);
          assert.equal((await restored(backup)).lastRestore?.status, 'completed');
          assert.deepEqual(state(directory), expectedState);
        }
      });

    test('a restore that fails while unpacking or while exchanging the directories keeps the old state', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const backup = await completed(app);
      writeFileSync(join(directory, 'shared/new'), 'since then');
      const before = state(directory);
      const failures = {
        tar: 'case "$1" in -x*) head -c 20 >/dev/null; echo "tar: disk full" >&2; exit 2;; *) exec /bin/tar "$@";; esac',
        mv: 'case "$1" in .restore-*) echo "mv: no" >&2; exit 1;; *) exec /bin/mv "$@";; esac',
      };
      for (const [name, text] of Object.entries(failures)) {
        await withPrograms({ [name]: text }, async () => {
          const back = await restored(backup);
          assert.deepEqual([back.status, back.lastRestore?.status], ['completed', 'failed']);
          assert.match(back.lastRestore?.error ?? '', name === 'tar' ? /disk full/ : /mv: no/);
          assert.deepEqual(state(directory), before);
          assert.deepEqual(names(directory), ['shared']);
        });
      }
      // The next restore cleans up what an interrupted one left behind.
      execFileSync('mv', ['shared', '.before-res_01broken'], { cwd: directory });
      mkdirSync(join(directory, '.restore-res_01broken'));
      const back = await restored(backup);
      assert.equal(back.lastRestore?.status, 'completed', back.lastRestore?.error ?? '');
      assert.deepEqual(names(directory), ['shared']);
      assert.equal(existsSync(join(directory, 'shared/new')), false);
    });

    test('the failure of a restore command is reported with its output, and its dump is removed', async () => {
      const backupOf = { command: 'echo rows', restoreCommand: 'cat >/dev/null; echo "no such table" >&2; exit 4' };
      const { app, directory } = await newApp({ backup: backupOf });
      const back = await restored(await completed(app));
      assert.equal(back.status, 'completed');
      assert.match(back.lastRestore?.error ?? '', /ended with exit code 4\. Output:\nno such table/);
      assert.deepEqual(names(directory), []);
    });

    test('an impossible backup or restore is refused with a message that says what to do', async () => {
      const nowhere = await newApp({ serverId: null });
      const homeless = await newApp({ directory: null });
      for (const { app } of [nowhere, homeless]) {
        assert.equal((await member.call(`/v1/apps/${app.id}/backups`, { method: 'POST' })).status, 409);
      }
      assert.equal((await member.call('/v1/apps/nothing/backups', { method: 'POST' })).status, 404);
      const { app } = await newApp({ backup: { command: 'echo rows', restoreCommand: null } });
      const backup = await completed(app);
      const refused = await owner.call<ProblemAnswer>(`/v1/backups/${backup.id}/restore`, { method: 'POST' });
      assert.equal(refused.status, 409);
      assert.match(refused.body.detail, /restoreCommand/);
      const unknown = await member.call(`/v1/apps/${app.id}/backups`, { body: { label: 'x' } });
      assert.equal(unknown.status, 422);
    });

    test('an app has one backup job at a time, and a running backup cannot be deleted', async () => {
      const { app, directory } = await newApp({
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

    test("a backup is deleted with its object; backups of a deleted app stay available by the app's id", async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const [one, two] = [await completed(app), await completed(app)];
      const list = async (path: string) => (await member.call<Page<Backup>>(`/v1/apps/${path}/backups`)).body.data;
      assert.deepEqual(
        (await list(app.slug)).map(({ id }) => id),
        [two.id, one.id],
      );
      const page = await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups?limit=1`);
      const rest = await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups?limit=1&cursor=${page.body.nextCursor}`);
      assert.deepEqual([...page.body.data, ...rest.body.data], await list(app.id));
      assert.equal((await owner.call(`/v1/backups/${one.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(storedOf(one.id), []);
      assert.equal((await member.call(`/v1/backups/${one.id}`)).status, 404);
      assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(
        (await list(app.id)).map(({ id }) => id),
        [two.id],
      );
      const refused = await owner.call<ProblemAnswer>(`/v1/backups/${two.id}/restore`, { method: 'POST' });
      assert.match(refused.body.detail, /app of this backup was deleted/);
      assert.equal((await owner.call(`/v1/backups/${two.id}`, { method: 'DELETE' })).status, 204);
      assert.deepEqual(storedOf(two.id), []);
      assert.equal((await member.call(`/v1/apps/${app.id}/backups`)).status, 404);
    });

    test('deleting a workspace deletes its objects', async () => {
      const brief = await createWorkspaceFor(owner, testServer, 'Brief');
      const shop = (await brief.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
      const here = (await brief.call<Server>('/v1/servers', { body: { name: 'Here', kind: 'local' } })).body;
      const body = {
        name: 'Shop',
        projectId: shop.id,
        serverId: here.id,
        backup: { command: 'echo rows', restoreCommand: null },
      };
      const app = (await brief.call<App>('/v1/apps', { body })).body;
      const { id } = (await brief.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' })).body;
      await until(async () => (await brief.call<Backup>(`/v1/backups/${id}`)).body.status === 'completed');
      assert.equal(storedOf(id).length, 1);
      assert.equal((await brief.call(`/v1/workspaces/${brief.workspaceId}`, { method: 'DELETE' })).status, 204);
      await until(async () => storedOf(id).length === 0);
    });

    test('members create and list backups, admins and keys with manage_backups do everything, tokens do nothing', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const backup = await completed(app);
      const requests: [string, string, number][] = [
        ['GET', `/v1/apps/${app.id}/backups`, 200],
        ['POST', `/v1/apps/${app.id}/backups`, 202],
        ['GET', `/v1/backups/${backup.id}`, 200],
        ['GET', `/v1/backups/${backup.id}/download`, 403],
        ['POST', `/v1/backups/${backup.id}/restore`, 403],
        ['DELETE', `/v1/backups/${backup.id}`, 403],
      ];
      const neighbour = await createWorkspaceFor(owner, testServer, 'Next door');
      const token = await createToken(owner, ['all']);
      const rest = await createKey(
        owner,
        PERMISSIONS.filter((permission) => permission !== 'manage_backups'),
      );
      for (const [method, path, status] of requests) {
        assert.equal((await member.call(path, { method })).status, status, `${method} ${path}`);
        assert.equal((await neighbour.call(path, { method })).status, 404, `${method} ${path}`);
        assert.equal((await testServer.call(path, { method, headers: bearer(token.secret) })).status, 403);
        assert.equal((await testServer.call(path, { method, headers: bearer(rest.secret) })).status, 403);
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

    async function verified(backup: Backup): Promise<Backup> {
      const response = await member.call<Backup>(`/v1/backups/${backup.id}/verify`, { method: 'POST' });
      assert.equal(response.status, 202, response.text);
      assert.equal(response.body.lastVerification?.status, 'pending');
      await until(async () => (await get(backup.id)).lastVerification?.finishedAt !== null);
      return get(backup.id);
    }
    const noticeOf = async (app: App) =>
      (await owner.call<Page<Notice>>('/v1/notices?kind=backup.failed')).body.data.find(
        ({ subject }) => subject.id === app.id,
      );

    test('a schedule creates backups, and a retention rule keeps the newest', async () => {
      const { app, directory } = await newApp({
        backup: { command: null, restoreCommand: null, schedule: '0 4 * * *', keep: { last: 2, days: 5 } },
      });
      assert.deepEqual(app.backup, {
        command: null,
        restoreCommand: null,
        schedule: '0 4 * * *',
        keep: { last: 2, days: 5 },
      });
      fill(directory);
      const list = async () => (await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups`)).body.data;
      const seen: string[] = [];
      for (let day = 1; day <= 3; day++) {
        now += DAY;
        await until(async () => (await list()).some(({ id, status }) => status === 'completed' && !seen.includes(id)));
        const [newest] = await list();
        assert.equal(newest?.createdBy.kind, 'system');
        seen.push(newest?.id ?? '');
      }
      assert.deepEqual(
        (await list()).map(({ id }) => id),
        seen.slice(1).reverse(),
      );
      await until(async () => storedOf(seen[0] ?? '').length === 0);
      // Ten days later both are too old and one newer backup exists. The newest is always kept.
      now += 10 * DAY;
      await until(async () => (await list()).length === 1 && !seen.includes((await list())[0]?.id ?? ''));
      const off = { method: 'PATCH', body: { backup: { command: null, restoreCommand: null } } };
      assert.deepEqual((await owner.call<App>(`/v1/apps/${app.id}`, off)).body.backup, off.body.backup);
      const bad = { method: 'PATCH', body: { backup: { schedule: '0 0 31 2 *' } } };
      assert.equal((await owner.call(`/v1/apps/${app.id}`, bad)).status, 422);
    });

    // The rest is the same wherever backups are stored.
    if (keeper.name === 'a bucket') return;

    test('a backup is restored into another app and on another server, and its own app stays as it is', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const expectedState = state(directory);
      const backup = await completed(app);
      const other = await newApp({ name: 'Staging' }, 'ssh');
      const into = await restored(backup, { app: other.app.slug });
      assert.deepEqual(
        [into.lastRestore?.status, into.lastRestore?.appId, into.lastRestore?.serverId],
        ['completed', other.app.id, null],
      );
      assert.deepEqual(state(other.directory), expectedState);
      writeFileSync(join(directory, 'shared/new'), 'since then');
      // Another server may not have the directory yet.
      const moved = await owner.call<App>(`/v1/apps/${other.app.id}`, {
        method: 'PATCH',
        body: { directory: `${other.directory}/new/place`, serverId: null },
      });
      const elsewhere = await restored(backup, { app: moved.body.id, server: servers['local']?.slug ?? '' });
      assert.deepEqual(
        [elsewhere.lastRestore?.status, elsewhere.lastRestore?.serverId],
        ['completed', servers['local']?.id],
      );
      assert.deepEqual(state(`${other.directory}/new/place`), expectedState);
      assert.equal(existsSync(join(directory, 'shared/new')), true);
      const { data } = (await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${backup.id}`)).body;
      const { detail } = data.find(({ action }) => action === 'backup.restore_started') ?? {};
      assert.deepEqual(detail, {
        app: { id: other.app.id, name: 'Staging' },
        from: { id: app.id, name: 'Web shop' },
        server: servers['local']?.id,
      });
    });

    test('a dump goes to the restore command of the other app, with the variables of that app', async () => {
      const source = await newApp({ backup: { command: 'echo rows', restoreCommand: 'cat > restored' } });
      const other = await newApp({ backup: { restoreCommand: 'cat > restored; echo "$NAME" >> restored' } });
      const values = { NAME: 'staging' };
      await owner.call(`/v1/apps/${other.app.id}/env`, { method: 'PATCH', body: { values } });
      const backup = await completed(source.app);
      assert.equal((await restored(backup, { app: other.app.id })).lastRestore?.status, 'completed');
      assert.equal(readFileSync(join(other.directory, 'restored'), 'utf8'), 'rows\nstaging\n');
      assert.deepEqual(names(source.directory), []);
      // A backup outlives its app.
      assert.equal((await owner.call(`/v1/apps/${source.app.id}`, { method: 'DELETE' })).status, 204);
      assert.equal((await restored(backup, { app: other.app.id })).lastRestore?.status, 'completed');
    });

    test('restoring elsewhere needs the rights to both apps, and a key that may use servers', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const backup = await completed(app);
      const other = await newApp();
      const path = `/v1/backups/${backup.id}/restore`;
      const server = servers['ssh']?.id;
      const neighbour = await createWorkspaceFor(owner, testServer, 'Other');
      const shop = (await neighbour.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
      const foreign = (await neighbour.call<App>('/v1/apps', { body: { name: 'Foreign', projectId: shop.id } })).body;
      const both = { apps: [app.id, other.app.id] };
      const only = { apps: [app.id] };
      const keyFor = async (permissions: readonly Permission[], restrictions?: object) =>
        bearer((await createKey(owner, permissions, restrictions === undefined ? {} : { restrictions })).secret);
      const plain = await keyFor(['manage_backups']);
      const withServers = await keyFor(['manage_backups', 'manage_servers']);
      const refused: [string, Readonly<Record<string, string>>, object, number][] = [
        ['an app of another workspace', plain, { app: foreign.id }, 422],
        ['an unknown app', plain, { app: 'nothing' }, 422],
        ['an unknown field', plain, { directory: '/' }, 422],
        ['an app that the key does not include', await keyFor(['manage_backups'], only), { app: other.app.id }, 422],
        ['a server, without manage_servers', plain, { server }, 403],
        ['a server, without manage_backups', await keyFor(['manage_servers']), { server }, 403],
        ['a server, with a restricted key', await keyFor(['manage_backups', 'manage_servers'], both), { server }, 422],
        ['an unknown server', withServers, { server: 'nothing' }, 422],
      ];
      for (const [name, headers, body, status] of refused)
        assert.equal((await testServer.call(path, { body, headers })).status, status, name);
      const accepted: [Readonly<Record<string, string>>, object][] = [
        [await keyFor(['manage_backups'], both), { app: other.app.id }],
        [withServers, { server }],
      ];
      for (const [headers, body] of accepted) {
        const response = await testServer.call(path, { body, headers });
        assert.equal(response.status, 202, response.text);
        assert.equal((await waitUntilFinished(backup)).lastRestore?.status, 'completed');
      }
    });

    test('a verification restores into a scratch directory, compares each file, and leaves nothing behind', async () => {
      for (const serverKind of ['local', 'ssh']) {
        const { app, directory } = await newApp({}, serverKind);
        fill(directory);
        const backup = await completed(app);
        assert.deepEqual([backup.verifiedAt, backup.lastVerification], [null, null]);
        writeFileSync(join(directory, 'shared/run.sh'), 'changed since\n');
        const before = state(directory);
        const good = await verified(backup);
        assert.deepEqual(
          [good.lastVerification?.status, good.lastVerification?.method, good.lastVerification?.error],
          ['completed', 'unpacked', null],
        );
        assert.equal(good.verifiedAt, good.lastVerification?.finishedAt);
        assert.deepEqual(state(directory), before);
        assert.deepEqual(names(directory), ['shared']);
      }
    });

    test('a verification that finds a difference or damage fails, and raises a notice until one succeeds', async () => {
      const { app, directory } = await newApp();
      fill(directory);
      const backup = await completed(app);
      const unpackOther = 'case "$1" in -x*) /bin/tar "$@"; echo other > "$4/run.sh";; *) exec /bin/tar "$@";; esac';
      await withPrograms({ tar: unpackOther }, async () => {
        const { status, lastVerification, verifiedAt } = await verified(backup);
        assert.deepEqual([status, lastVerification?.status, verifiedAt], ['completed', 'failed', null]);
        assert.match(lastVerification?.error ?? '', /run\.sh: (?:Contents|Size|Mod time) differ/);
      });
      assert.deepEqual(names(directory), ['shared']);
      assert.match((await noticeOf(app))?.title ?? '', /The verification of a backup of .*Web shop.* failed/);
      // A new backup says nothing about whether backups can be restored.
      const newer = await completed(app);
      assert.notEqual(await noticeOf(app), undefined);
      assert.equal((await verified(newer)).lastVerification?.status, 'completed');
      assert.equal(await noticeOf(app), undefined);
      const [file = ''] = storedOf(newer.id);
      writeFileSync(file, readFileSync(file).subarray(0, -1));
      const damaged = await verified(newer);
      assert.deepEqual([damaged.status, damaged.lastVerification?.status], ['failed', 'failed']);
      assert.match(damaged.error ?? '', /damaged/);
      const keep = { backup: { command: null, restoreCommand: null, keep: { last: 1 } } };
      assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: keep })).status, 200);
      await completed(app);
      assert.equal((await member.call(`/v1/backups/${newer.id}`)).status, 404, 'damaged backups expire too');
    });

    test('a dump is verified by its command, or by reading it if there is none', async () => {
      const backupOf = { command: 'echo rows', restoreCommand: null };
      const { app, directory } = await newApp({ backup: backupOf });
      const backup = await completed(app);
      assert.equal((await verified(backup)).lastVerification?.method, 'stored');
      const set = async (verifyCommand: string) => {
        const body = { backup: { ...backupOf, verifyCommand } };
        assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body })).status, 200);
      };
      await set('cat > "$DEVPILOT_FOLDER/copy"; grep -qx rows "$DEVPILOT_FOLDER/copy"');
      const checked = await verified(backup);
      assert.deepEqual(
        [checked.lastVerification?.status, checked.lastVerification?.method],
        ['completed', 'command'],
        checked.lastVerification?.error ?? '',
      );
      await set('echo "no such table" >&2; exit 1');
      assert.match((await verified(backup)).lastVerification?.error ?? '', /verification command.*no such table/s);
      assert.deepEqual(names(directory), []);
    });

    test('the newest backup is verified on a schedule, and retention keeps the newest that was verified', async () => {
      const settings = { command: null, restoreCommand: null, keep: { last: 1 } };
      const { app, directory } = await newApp({ backup: { ...settings, verifySchedule: '0 5 * * *' } });
      fill(directory);
      const first = await completed(app);
      now += DAY;
      await until(async () => (await get(first.id)).verifiedAt !== null);
      const list = async () => (await member.call<Page<Backup>>(`/v1/apps/${app.id}/backups`)).body.data;
      assert.equal((await list())[0]?.lastVerification?.createdBy.kind, 'system');
      const second = await completed(app);
      const third = await completed(app);
      assert.deepEqual(
        (await list()).map(({ id }) => id),
        [third.id, first.id],
      );
      assert.equal((await member.call(`/v1/backups/${second.id}`)).status, 404);
      assert.equal((await verified(third)).lastVerification?.status, 'completed');
      const fourth = await completed(app);
      assert.deepEqual(
        (await list()).map(({ id }) => id),
        [fourth.id, third.id],
      );
    });
  });
}
