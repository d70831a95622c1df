import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestRepository } from '../testing/git-repository.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  isFinished,
  readDeploymentLog,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../testing/test-server.ts';

let testServer: TestServer;
let owner: TestPerson;
let serverId: string;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  owner = await signUpOwner(testServer);
  serverId = (await createServerResource(owner)).id;
});
after(() => testServer.close());
const createApp = (fields: object = {}) => createTestApp(owner, serverId, fields);
const readLiveFile = (app: TestApp, file: string) => readFileSync(join(app.directory, 'current', file), 'utf8');

test('only commits that a branch or tag contains are deployed', async () => {
  const app = await createApp();
  const { repository } = app;
  const first = repository.git('rev-parse', 'HEAD');
  // Git hosts store the commits of forks this way: in the repository, but in no branch or tag.
  repository.git('checkout', '--quiet', '--detach');
  const imposter = repository.commit({ 'page.txt': 'imposter' });
  repository.git('update-ref', 'refs/pull/1/head', imposter);
  repository.git('checkout', '--quiet', 'main');
  repository.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  for (const commit of [imposter, imposter.slice(0, 12)]) {
    const refused = await deployAndWait(owner, app, { commit });
    assert.match(refused.error ?? '', /has no commit \w+ in any branch or tag/);
  }
  // The commit is refused even if an earlier version of Devpilot has already fetched it.
  await deployAndWait(owner, app);
  const repositoryCopy = join(app.directory, '.devpilot/repository.git');
  execFileSync('git', ['-C', repositoryCopy, 'fetch', '--quiet', repository.path, 'refs/pull/1/head'], {
    stdio: 'ignore',
  });
  assert.match((await deployAndWait(owner, app, { commit: imposter })).error ?? '', /in any branch or tag/);
  repository.git('tag', 'v1', imposter);
  const tagged = await deployAndWait(owner, app, { commit: imposter.slice(0, 12) });
  assert.deepEqual([tagged.status, tagged.commit], ['completed', imposter], tagged.error ?? '');
  repository.git('tag', 'of-a-file', `${first}:page.txt`);
  repository.git('tag', '--delete', 'v1');
  assert.match((await deployAndWait(owner, app, { commit: imposter })).error ?? '', /in any branch or tag/);
  assert.equal((await deployAndWait(owner, app, { commit: first })).status, 'completed');
});

test('an abbreviated commit is not resolved as a tag or branch of that name', async () => {
  const app = await createApp();
  const { repository } = app;
  const expectedCommit = repository.git('rev-parse', 'HEAD');
  repository.commit({ 'page.txt': 'two' });
  for (const kind of ['tag', 'branch']) repository.git(kind, expectedCommit.slice(0, 8), 'HEAD');
  const done = await deployAndWait(owner, app, { commit: expectedCommit.slice(0, 8) });
  assert.deepEqual(
    [done.status, done.commit, readLiveFile(app, 'page.txt')],
    ['completed', expectedCommit, 'one'],
    done.error ?? '',
  );
  repository.git('tag', 'deadbeef', 'HEAD');
  assert.match((await deployAndWait(owner, app, { commit: 'deadbeef' })).error ?? '', /has no commit deadbeef/);
});

test('a tag is deployed, and a pattern deploys its newest match in version order', async () => {
  const app = await createApp();
  const { repository } = app;
  const first = repository.git('rev-parse', 'HEAD');
  repository.git('tag', 'v1.9.0');
  repository.git('tag', 'of-a-file', 'HEAD:page.txt');
  repository.git('tag', 'nested/v9');
  const second = repository.commit({ 'page.txt': 'two' });
  repository.git('tag', '--annotate', '--message', 'Ten', 'v1.10.0');
  repository.git('tag', 'v1.10.0-rc.1', first);
  repository.git('branch', 'v1.9.0', second);
  const pattern = await deployAndWait(owner, app, { tag: 'v*' });
  assert.deepEqual(
    [pattern.status, pattern.tag, pattern.branch, pattern.commit, readLiveFile(app, 'page.txt')],
    ['completed', 'v1.10.0', null, second, 'two'],
    pattern.error ?? '',
  );
  const exact = await deployAndWait(owner, app, { tag: 'v1.9.0' });
  assert.deepEqual([exact.status, exact.tag, exact.commit], ['completed', 'v1.9.0', first], exact.error ?? '');
  const refusals = { 'v3*': /no tag v3\*/, nested: /no tag nested/, 'of-*': /of-a-file does not point to a commit/ };
  for (const [tag, message] of Object.entries(refusals)) {
    assert.match((await deployAndWait(owner, app, { tag })).error ?? '', message);
  }
  const rollback = await owner.call<{ id: string }>(`/v1/deployments/${pattern.id}/rollback`, { body: {} });
  const rolledBack = await waitForDeployment(owner, rollback.body.id, isFinished);
  assert.deepEqual([rolledBack.tag, rolledBack.commit], ['v1.10.0', second]);
});

test('an invalid tag name is refused, and so is more than one source', async () => {
  const app = await createApp();
  for (const tag of [
    '-v1',
    '--upload-pack=x',
    'a..b',
    'a b',
    'a\nb',
    'v1/',
    '.hidden',
    'a@{1}',
    'a[1]',
    'a?',
    '*a*a*a*a*',
  ]) {
    const response = await app.deploy({ tag });
    assert.equal(response.status, 422, tag);
  }
  const severalSources = await app.deploy({ branch: 'main', tag: 'v1', commit: 'abcdef0' });
  assert.equal(severalSources.status, 422);
  assert.match(severalSources.text, /"field":"tag","message":"must not be set together with branch"/);
  assert.match(severalSources.text, /"field":"commit","message":"must not be set together with branch"/);
});

test('a rollback activates a stored release, even if its commit is no longer in any branch', async () => {
  const app = await createApp();
  const first = await deployAndWait(owner, app);
  app.repository.git('commit', '--quiet', '--amend', '--message', 'Rewritten');
  app.repository.commit({ 'page.txt': 'two' });
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  const rollback = await owner.call<{ id: string }>(`/v1/deployments/${first.id}/rollback`, { body: {} });
  const rolledBack = await waitForDeployment(owner, rollback.body.id, isFinished);
  assert.deepEqual(
    [rolledBack.status, rolledBack.commit, readLiveFile(app, 'page.txt')],
    ['completed', first.commit, 'one'],
    rolledBack.error ?? '',
  );
  assert.equal((await deployAndWait(owner, app, { commit: first.commit })).status, 'failed');
});

test('submodules with relative URLs are fetched relative to the repository', async () => {
  const folder = temporaryDirectory();
  const library = createTestRepository();
  library.commit({ 'lib.txt': 'lib' });
  library.git('clone', '--quiet', '--bare', library.path, join(folder, 'lib.git'));
  const shop = createTestRepository();
  shop.commit({ '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n' });
  shop.git('update-index', '--add', '--cacheinfo', `160000,${library.git('rev-parse', 'HEAD')},lib`);
  shop.git('commit', '--quiet', '--message', 'Submodule');
  shop.git('clone', '--quiet', '--bare', shop.path, join(folder, 'shop.git'));
  const app = await createApp({ repository: join(folder, 'shop.git') });
  const done = await deployAndWait(owner, app);
  assert.deepEqual([done.status, readLiveFile(app, 'lib/lib.txt')], ['completed', 'lib'], done.error ?? '');
});

test('a SHA-256 repository is deployed after it replaces a SHA-1 repository', async () => {
  const app = await createApp();
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  const sha256Repository = createTestRepository();
  rmSync(join(sha256Repository.path, '.git'), { recursive: true });
  sha256Repository.git('init', '--quiet', '--initial-branch=main', '--object-format=sha256');
  const commit = sha256Repository.commit({ 'page.txt': 'longer' });
  assert.equal(commit.length, 64);
  await app.edit({ repository: sha256Repository.path });
  const done = await deployAndWait(owner, app);
  assert.deepEqual(
    [done.status, done.commit, readLiveFile(app, 'page.txt')],
    ['completed', commit, 'longer'],
    done.error ?? '',
  );
  const byAbbreviation = await deployAndWait(owner, app, { commit: commit.slice(0, 10) });
  assert.deepEqual([byAbbreviation.status, byAbbreviation.commit], ['completed', commit], byAbbreviation.error ?? '');
});

test('lock files of a killed git process do not block the next deployment', async () => {
  const app = await createApp();
  await deployAndWait(owner, app);
  app.repository.commit({ 'page.txt': 'two' });
  const repositoryCopy = join(app.directory, '.devpilot/repository.git');
  mkdirSync(join(repositoryCopy, 'refs/remotes/devpilot'), { recursive: true });
  for (const lock of ['refs/remotes/devpilot/main.lock', 'packed-refs.lock', 'config.lock', 'HEAD.lock']) {
    writeFileSync(join(repositoryCopy, lock), '');
  }
  const done = await deployAndWait(owner, app);
  assert.deepEqual([done.status, readLiveFile(app, 'page.txt')], ['completed', 'two'], done.error ?? '');
});

test('a copy of the repository that now belongs to another user is fetched again', async (context) => {
  const app = await createApp();
  await deployAndWait(owner, app);
  const repositoryCopy = join(app.directory, '.devpilot/repository.git');
  try {
    chownSync(repositoryCopy, 65_534, 65_534);
  } catch {
    context.skip('changing the owner of a file requires root');
    return;
  }
  const done = await deployAndWait(owner, app);
  assert.equal(done.status, 'completed', done.error ?? '');
  assert.ok((await readDeploymentLog(owner, done.id)).some(({ text }) => /belonged to another user/.test(text)));
});

test('files in Git LFS are fetched; without git-lfs the deployment fails before activation, and the error names git-lfs', async () => {
  const app = await createApp();
  const { repository } = app;
  const gitWithFileProtocol = (...args: string[]) => repository.git('-c', 'protocol.file.allow=always', ...args);
  gitWithFileProtocol('lfs', 'install', '--local');
  gitWithFileProtocol('lfs', 'track', '*.bin');
  repository.commit({ 'large.bin': 'the real content of a large file' });
  assert.match(repository.git('show', 'HEAD:large.bin'), /^version https:\/\/git-lfs/);
  const done = await deployAndWait(owner, app);
  assert.deepEqual(
    [done.status, readLiveFile(app, 'large.bin')],
    ['completed', 'the real content of a large file'],
    done.error ?? '',
  );
  const path = process.env['PATH'] ?? '';
  const binWithoutLfs = temporaryDirectory();
  for (const folder of path.split(delimiter)) {
    if (!existsSync(folder)) continue;
    for (const name of execFileSync('ls', [folder], { encoding: 'utf8' }).split('\n')) {
      const link = join(binWithoutLfs, name);
      if (name !== '' && name !== 'git-lfs' && !existsSync(link)) symlinkSync(join(folder, name), link);
    }
  }
  process.env['PATH'] = binWithoutLfs;
  try {
    repository.commit({ 'other.bin': 'another' });
    const failed = await deployAndWait(owner, app);
    assert.match(
      failed.error ?? '',
      /large\.bin and possibly other files are in Git LFS, but git-lfs is not installed/,
    );
    assert.equal(readLiveFile(app, 'page.txt'), 'one');
  } finally {
    process.env['PATH'] = path;
  }
});

test('Git LFS files of a submodule are fetched too', async () => {
  const library = createTestRepository();
  library.git('lfs', 'install', '--local');
  library.git('lfs', 'track', '*.bin');
  library.commit({ 'large.bin': 'the real content of a large file' });
  const app = await createApp();
  app.repository.commit({ '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${library.path}\n` });
  app.repository.git('update-index', '--add', '--cacheinfo', `160000,${library.git('rev-parse', 'HEAD')},lib`);
  app.repository.git('commit', '--quiet', '--message', 'Submodule');
  const done = await deployAndWait(owner, app);
  assert.equal(done.status, 'completed', done.error ?? '');
  assert.equal(readLiveFile(app, 'lib/large.bin'), 'the real content of a large file');
});

test('the error of a failed git command is its first fatal line', async () => {
  const app = await createApp({ repository: '/no/such/repository.git' });
  const failed = await deployAndWait(owner, app);
  assert.match(failed.error ?? '', /exit code 128: fatal: '\/no\/such\/repository\.git' does not appear to be a git/);
});
