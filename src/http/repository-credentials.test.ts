import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import { splitCredentials } from '../contract/repository.ts';
import { rotateSecret } from '../server/secret-rotation.ts';
import { readSettings } from '../server/settings.ts';
import { forEachEngine } from '../testing/engines.ts';
import { startGitHost, type TestGitHost } from '../testing/git-host.ts';
import { createTestRepository, type TestRepository } from '../testing/git-repository.ts';
import { runSql } from '../testing/sql.ts';
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
import {
  bearer,
  createKey,
  createTestPerson,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const REPOSITORY_PASSWORD = 'p4ss:w0rd @of the repository';
const encodedPassword = encodeURIComponent(REPOSITORY_PASSWORD);

forEachEngine('repository credentials', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let app: TestApp;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' };
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
    app = await createTestApp(owner, (await createServerResource(owner)).id);
  });
  after(() => testServer.close());
  const edit = (fields: object) => owner.call<App>(`/v1/apps/${app.id}`, { method: 'PATCH', body: fields });
  const visibleFields = ({ repository, repositoryUser, hasRepositoryPassword }: App) => [
    repository,
    repositoryUser,
    hasRepositoryPassword,
  ];

  test('credentials in a URL are stored separately, and the password is never shown', async () => {
    const created = await edit({ repository: `https://deploy:${encodedPassword}@git.example.com:8443/shop.git` });
    assert.equal(created.status, 200, created.text);
    const separated = ['https://git.example.com:8443/shop.git', 'deploy', true];
    assert.deepEqual(visibleFields(created.body), separated);
    const key = await createKey(owner, ['read']);
    const member = await signUpMember(testServer, owner, 'member', `reader-${engine.name}@example.com`);
    const responses = [
      created,
      await owner.call(`/v1/apps/${app.id}`),
      await member.call('/v1/apps'),
      await testServer.call(`/v1/apps/${app.id}`, { headers: bearer(key.secret) }),
      await owner.call(`/v1/audit-events?target=${app.id}`),
    ];
    for (const { text, status } of responses) {
      assert.equal(status, 200);
      assert.ok(!text.includes('p4ss') && !text.includes(encodedPassword));
    }
    const rows = await runSql(testServer, environment, `select * from app where id = '${app.id}'`);
    assert.ok(!JSON.stringify(rows).includes('p4ss'));
    // Another path on the same host keeps the credentials. The activity log records only that the password was
    // replaced.
    assert.deepEqual(
      visibleFields((await edit({ repository: 'https://git.example.com:8443/next.git' })).body).slice(1),
      ['deploy', true],
    );
    assert.equal((await edit({ repositoryPassword: 'another one' })).status, 200);
    const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
    assert.deepEqual(log.data[0]?.detail['after'], { repositoryPassword: 'replaced' });
  });

  test('the password is not kept for another scheme, host or port', async () => {
    await edit({
      repository: 'https://git.example.com/shop.git',
      repositoryPassword: REPOSITORY_PASSWORD,
      repositoryUser: null,
    });
    for (const repository of [
      'https://evil.example.com/shop.git',
      'http://git.example.com/shop.git',
      'https://git.example.com:8443/shop.git',
    ]) {
      const refused = await edit({ repository });
      assert.deepEqual([refused.status, refused.text.includes('repositoryPassword')], [422, true], repository);
    }
    const withoutPassword = await edit({ repository: 'https://evil.example.com/shop.git', repositoryPassword: null });
    assert.deepEqual(visibleFields(withoutPassword.body), ['https://evil.example.com/shop.git', null, false]);
    await edit({ repositoryPassword: REPOSITORY_PASSWORD });
    const ssh = await edit({ repository: 'git@git.example.com:acme/shop.git' });
    assert.deepEqual(visibleFields(ssh.body), ['git@git.example.com:acme/shop.git', null, false]);
    assert.equal((await edit({ repositoryPassword: REPOSITORY_PASSWORD })).status, 422);
    assert.equal((await edit({ repository: `ssh://git:${encodedPassword}@git.example.com/shop.git` })).status, 422);
    assert.equal((await edit({ repository: 'https://a:b%0apassword=c@git.example.com/shop.git' })).status, 422);
    assert.equal((await edit({ repository: 'https://git.example.com/', repositoryUser: 'a\nb' })).status, 422);
  });

  test('a URL that Git and URL parsers read differently, or cannot parse, is refused', async () => {
    await edit({ repository: 'https://git.example.com/shop.git', repositoryPassword: REPOSITORY_PASSWORD });
    for (const repository of [
      'https://git.example.com\\@evil.example.com/shop.git',
      'https://t0ken-of-the-host@git.example.com:99999/shop.git',
      'https://t0ken-of-the-host@[::1]:x/shop.git',
    ]) {
      const refused = await edit({ repository });
      assert.deepEqual([refused.status, refused.text.includes('must be a valid URL')], [422, true], repository);
      assert.ok(!refused.text.includes('t0ken'));
    }
    for (const repository of ['ssh://-oProxyCommand=x/shop.git', 'ssh://-x@git.example.com/a', 'ssh://%2doX=1/a']) {
      const refused = await edit({ repository });
      assert.deepEqual([refused.status, refused.text.includes('starts with -')], [422, true], repository);
    }
    for (const field of ['repository', 'branch']) {
      const withBidiOverride = field === 'branch' ? 'main\u202eniam' : 'https://git.example.com/\u202eshop.git';
      assert.equal((await edit({ [field]: withBidiOverride })).status, 422, field);
    }
    assert.equal(splitCredentials('https://t0ken@git.example.com:99999/a').url, 'https://git.example.com:99999/a');
  });

  test('a URL with a part that could contain an unencrypted secret is refused, and an empty user is removed', async () => {
    const { projectId } = (await owner.call<App>(`/v1/apps/${app.id}`)).body;
    for (const [repository, message] of [
      ['https://git.example.com/shop.git?token=t0ken', 'a query or a fragment'],
      ['https://git.example.com/shop.git#t0ken', 'a query or a fragment'],
      ['https://deploy:t0ken?1@git.example.com/shop.git', 'a query or a fragment'],
      ['ssh://git@git.example.com/shop.git?token=t0ken', 'a query or a fragment'],
      ['git@git.example.com:acme/shop.git#t0ken', 'a query or a fragment'],
      ['file:///srv/git/shop.git?t0ken', 'a query or a fragment'],
      ['ssh://git:t0ken@git.example.com/shop.git', 'a password'],
      ['ssh://a@b:t0ken@git.example.com/shop.git', 'a password'],
      ['ssh://git:t0k/en@git.example.com/shop.git', 'a valid URL'],
      ['git://t0ken@git.example.com/shop.git', 'a user'],
      ['git://a:t0ken@git.example.com/shop.git', 'a password'],
      ['git:t0ken@git.example.com:acme/shop.git', 'the URL of a Git repository'],
    ] as const) {
      const responses = [
        await edit({ repository }),
        await owner.call('/v1/apps', {
          method: 'POST',
          body: { projectId, name: 'Refused', repository },
        }),
      ];
      for (const { status, text } of responses) {
        assert.deepEqual([status, text.includes(message), text.includes('t0k')], [422, true, false], repository);
      }
    }
    // If an earlier version stored such a URL, its secret is not shown either.
    for (const stored of [
      'https://git.example.com/shop.git?t0ken',
      'https://deploy:t0ken?1@git.example.com/shop.git',
      'ssh://a@b:t0ken@git.example.com/shop.git',
      'git://t0ken@git.example.com/shop.git',
      'git@git.example.com:acme/shop.git#t0ken',
    ]) {
      assert.ok(!splitCredentials(stored).url.includes('t0k'), stored);
    }
    const [withAtSign] = visibleFields((await edit({ repository: 'https://git.example.com/a@b.git' })).body);
    assert.equal(withAtSign, 'https://git.example.com/a@b.git');
    for (const repository of ['https://@git.example.com/shop.git', 'https://:@git.example.com/shop.git']) {
      const edited = await edit({ repository });
      assert.deepEqual([edited.status, edited.body.repository], [200, 'https://git.example.com/shop.git'], edited.text);
    }
    for (const repository of ['/srv/git/c#.git', 'ssh://git@[::1]:22/shop.git', 'git@git.example.com:acme/shop.git']) {
      assert.equal((await edit({ repository })).body.repository, repository);
    }
  });

  test('a token in place of the user name is encrypted, not shown', async () => {
    const added = await edit({ repository: 'https://t0ken-of-the-host@git.example.com/shop.git' });
    assert.deepEqual(visibleFields(added.body), ['https://git.example.com/shop.git', null, true]);
    assert.ok(!(await owner.call(`/v1/audit-events?target=${app.id}`)).text.includes('t0ken'));
    for (const repositoryUser of [null, 'deploy']) {
      await edit({ repositoryUser });
      const rotated = await edit({ repository: 'https://next-t0ken@git.example.com/shop.git' });
      assert.deepEqual(
        visibleFields(rotated.body),
        ['https://git.example.com/shop.git', null, true],
        'also when replaced',
      );
    }
    const withPassword = await edit({
      repository: 'https://deploy@git.example.com/shop.git',
      repositoryPassword: REPOSITORY_PASSWORD,
    });
    const withUser = ['https://git.example.com/shop.git', 'deploy', true];
    assert.deepEqual(visibleFields(withPassword.body), withUser);
    assert.deepEqual(
      visibleFields((await edit({ repository: 'https://deploy@git.example.com/shop.git' })).body),
      withUser,
    );
    assert.ok(!(await owner.call(`/v1/audit-events?target=${app.id}`)).text.includes('t0ken'));
  });

  test('credentials that an earlier version stored in URLs and plans are encrypted at the next start', async () => {
    const legacyUrl = `https://deploy:${encodedPassword}@git.example.com/shop.git`;
    const { body: waiting } = await app.deploy({ approval: true });
    const { body: cancelled } = await app.deploy({ approval: true });
    await owner.call(`/v1/deployments/${cancelled.id}/cancel`, { method: 'POST' });
    const plan = JSON.stringify({ app: app.slug, repository: legacyUrl, directory: '/srv', hooks: [] });
    await runSql(testServer, environment, `update deployment set plan = '${plan}' where id = '${waiting.id}'`);
    await runSql(
      testServer,
      environment,
      `update app set repository = '${legacyUrl}', repository_user = null, repository_password_sealed = null where id = '${app.id}'`,
    );
    testServer = await testServer.restart();
    owner = createTestPerson(testServer, owner);
    const shown = await owner.call<App>(`/v1/apps/${app.id}`);
    assert.deepEqual(visibleFields(shown.body), ['https://git.example.com/shop.git', 'deploy', true]);
    const plans = await runSql(testServer, environment, 'select plan, repository from deployment, app');
    assert.ok(plans.length > 0 && !JSON.stringify(plans).includes('p4ss'));
    const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
    assert.deepEqual([log.data[0]?.actor.kind, log.data[0]?.action], ['system', 'app.updated']);
    await owner.call(`/v1/deployments/${waiting.id}/cancel`, { method: 'POST' });
    if (engine.name === 'sqlite') {
      await testServer.running.close();
      for (const file of readdirSync(testServer.dataDirectory)) {
        assert.ok(!readFileSync(join(testServer.dataDirectory, file)).includes('p4ss'), file);
      }
      // The rotation can decrypt the password only if the password is bound to the correct app.
      const settings = readSettings({ DEVPILOT_DATA_DIR: testServer.dataDirectory });
      assert.equal((await rotateSecret(settings, null)).values, 1);
      testServer = await startTestServer({ environment, dataDirectory: testServer.dataDirectory });
      owner = createTestPerson(testServer, owner);
    }
  });

  test('a query that an earlier version stored in a URL is removed at the next start', async () => {
    await edit({
      repository: 'https://git.example.com/shop.git',
      repositoryUser: 'deploy',
      repositoryPassword: REPOSITORY_PASSWORD,
    });
    const legacyUrl = 'https://git.example.com/shop.git?access=t0ken#t0ken';
    await runSql(testServer, environment, `update app set repository = '${legacyUrl}' where id = '${app.id}'`);
    assert.ok(!(await owner.call(`/v1/apps/${app.id}`)).text.includes('t0ken'), 'hidden before the restart too');
    testServer = await testServer.restart();
    owner = createTestPerson(testServer, owner);
    const { body: shown } = await owner.call<App>(`/v1/apps/${app.id}`);
    assert.deepEqual(
      visibleFields(shown),
      ['https://git.example.com/shop.git', 'deploy', true],
      'the password is kept',
    );
    assert.ok(!JSON.stringify(await runSql(testServer, environment, 'select * from app')).includes('t0ken'));
    const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
    assert.deepEqual(log.data[0]?.detail['after'], {
      repository: 'https://git.example.com/shop.git',
      hasRepositoryPassword: true,
    });
  });
});

test('git sends the credentials only to the host of the repository, not to the other host of a submodule or redirect, and hooks cannot read them', async () => {
  const testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  const directory = temporaryDirectory();
  const repositoryAccount = { user: 'deploy', password: REPOSITORY_PASSWORD };
  const hosts: TestGitHost[] = [];
  const repositories: TestRepository[] = [];
  try {
    const owner = await signUpOwner(testServer);
    const server = await createServerResource(owner);
    const repositoryHost = await startGitHost(directory, repositoryAccount);
    const otherHost = await startGitHost(directory, { user: 'unrelated', password: 'unrelated' });
    hosts.push(repositoryHost, otherHost);
    const publish = (name: string, addFiles: (repository: TestRepository) => void) => {
      const repository = createTestRepository();
      repositories.push(repository);
      addFiles(repository);
      repository.git('clone', '--quiet', '--bare', repository.path, join(directory, name));
    };
    publish('lib.git', (repository) => repository.commit({ 'lib.txt': 'lib' }));
    const withSubmodule = (url: string) => (repository: TestRepository) => {
      const head = repositories[0]?.git('rev-parse', 'HEAD') ?? '';
      repository.commit({ '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${url}\n`, 'page.txt': 'one' });
      repository.git('update-index', '--add', '--cacheinfo', `160000,${head},lib`);
      repository.git('commit', '--quiet', '--message', 'Submodule');
    };
    publish('relative.git', withSubmodule('../lib.git'));
    publish('absolute.git', withSubmodule(`${otherHost.origin}/lib.git`));
    const deployFrom = async (path: string) => {
      const created = await createTestApp(owner, server.id, {
        repository: `${repositoryHost.origin}${path}`.replace('//', `//deploy:${encodedPassword}@`),
        hooks: [{ name: 'env', stage: 'post_setup', run: 'env; cat /proc/$PPID/environ | tr "\\0" "\\n"' }],
      });
      const deployment = await deployAndWait(owner, created);
      const text = JSON.stringify([deployment, await readDeploymentLog(owner, deployment.id)]);
      assert.ok(!text.includes('p4ss') && !text.includes('DP_PASSWORD'), text);
      return { deployment, app: created };
    };
    const relative = await deployFrom('/relative.git');
    assert.equal(relative.deployment.status, 'completed', relative.deployment.error ?? '');
    assert.equal(readFileSync(join(relative.app.directory, 'current/lib/lib.txt'), 'utf8'), 'lib');
    assert.ok(repositoryHost.authorizationHeaders.length > 0);
    const config = readFileSync(join(relative.app.directory, '.devpilot/repository.git/config'), 'utf8');
    assert.ok(config.includes(repositoryHost.origin) && !config.includes('deploy') && !config.includes('p4ss'));

    const absolute = await deployFrom('/absolute.git');
    assert.equal(absolute.deployment.status, 'failed');
    assert.match(absolute.deployment.error ?? '', /fatal: .*terminal prompts disabled/);
    repositoryHost.redirects.set('/redirected.git', otherHost.origin);
    const redirected = await deployFrom('/redirected.git');
    assert.equal(redirected.deployment.status, 'failed');
    assert.deepEqual(otherHost.authorizationHeaders, []);
    assert.ok(!existsSync(join(absolute.app.directory, 'current')));
  } finally {
    for (const host of hosts) await host.close();
    await testServer.close();
  }
});

test('after a change of the repository, a running deployment does not send the new credentials to the previous host', async () => {
  const testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  const directory = temporaryDirectory();
  const workingCopy = createTestRepository();
  workingCopy.commit({ 'page.txt': 'one' });
  workingCopy.git('clone', '--quiet', '--bare', workingCopy.path, join(directory, 'shop.git'));
  const host = await startGitHost(directory, { user: 'previous', password: 'old password' });
  const owner = await signUpOwner(testServer);
  const servers = [(await createServerResource(owner)).id, (await createServerResource(owner)).id];
  const repository = `${host.origin}/shop.git`.replace('//', '//previous:old%20password@');
  const app = await createTestApp(owner, servers[0] ?? '', { repository });
  try {
    const { id } = (await app.deploy({ servers, strategy: 'canary' })).body;
    const waiting = await waitForDeployment(
      owner,
      id,
      (deployment) => isFinished(deployment) || deployment.waitingFor === 'promotion',
    );
    assert.equal(waiting.waitingFor, 'promotion', waiting.error ?? '');
    await app.edit({ repository: `https://deploy:${encodedPassword}@git.example.com/shop.git` });
    const promoted = await owner.call(`/v1/deployments/${id}/promote`, { method: 'POST' });
    assert.equal(promoted.status, 202, promoted.text);
    const { error } = await waitForDeployment(owner, id, isFinished);
    assert.match(error ?? '', /terminal prompts disabled/);
    const previousAuthorization = `Basic ${Buffer.from('previous:old password').toString('base64')}`;
    assert.deepEqual([...new Set(host.authorizationHeaders)], [previousAuthorization]);
  } finally {
    await host.close();
    await testServer.close();
  }
});
