import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import { PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';
import {
  bearer,
  cookieOf,
  createKey,
  createTestPerson,
  createToken,
  createWorkspaceFor,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
  turnOnTwoFactor,
} from '../testing/test-server.ts';
import type { AppContext } from './app-context.ts';
import { routeTable } from './route-table.ts';

/**
 * Who can call which route, written independently of the code.
 * `everybody`: no credential required. `error key`: only an error key, which no principal of this test has.
 * `signature`: only a signed request, from any sender. `anyone`: every principal. `person`: any signed-in person.
 * `operator`: any operator. A role: members with that role or a higher one. `nobody`: no person.
 * Tokens and keys are accepted only where listed.
 */
type People =
  | 'everybody'
  | 'error key'
  | 'signature'
  | 'anyone'
  | 'person'
  | 'operator'
  | 'member'
  | 'admin'
  | 'owner'
  | 'nobody';
interface Row {
  readonly route: string;
  readonly people: People;
  readonly token?: readonly Scope[];
  /** `guard` is a flag in addition to the permission `read`. */
  readonly key?: readonly (Permission | 'guard')[];
  /** A body that changes nothing when a permitted person sends it; `{}` if absent. */
  readonly body?: unknown;
  /** The request would delete the test's workspace, membership or session, so permitted principals do not send it. */
  readonly isDestructive?: true;
}

const DEPLOYERS = ['basic_deployment', 'advanced_deployment'] as const;

/** Projects, apps and servers have the same routes. Keys need read, write or delete; `manage` allows all of them. */
function resourceRows(nouns: string, noun: string, manage: Permission): Row[] {
  return [
    { route: `GET /v1/${nouns}`, people: 'member', key: ['read', manage] },
    { route: `POST /v1/${nouns}`, people: 'admin', key: ['write', manage] },
    { route: `GET /v1/${nouns}/:${noun}`, people: 'member', key: ['read', manage] },
    { route: `PATCH /v1/${nouns}/:${noun}`, people: 'admin', key: ['write', manage] },
    { route: `DELETE /v1/${nouns}/:${noun}`, people: 'admin', key: ['delete', manage] },
  ];
}

const ROUTES: readonly Row[] = [
  { route: 'POST /v1/people', people: 'everybody' },
  { route: 'GET /.well-known/oauth-authorization-server', people: 'everybody' },
  { route: 'POST /v1/sessions', people: 'everybody' },
  { route: 'POST /v1/sessions/passkey/options', people: 'everybody' },
  { route: 'POST /v1/sessions/passkey', people: 'everybody' },
  { route: 'GET /v1/oidc/start', people: 'everybody' },
  { route: 'POST /v1/oidc/start', people: 'everybody' },
  { route: 'GET /v1/oidc/callback', people: 'everybody' },
  { route: 'POST /v1/oidc/second-factor', people: 'everybody' },
  { route: 'POST /v1/oidc/backchannel-logout', people: 'everybody' },
  { route: 'POST /v1/sessions/link', people: 'everybody' },
  { route: 'GET /v1/me/single-sign-on', people: 'person' },
  { route: 'POST /v1/me/single-sign-on', people: 'person' },
  { route: 'DELETE /v1/me/single-sign-on/:id', people: 'person' },
  { route: 'GET /v1/sessions', people: 'person' },
  { route: 'DELETE /v1/sessions', people: 'person' },
  { route: 'DELETE /v1/sessions/current', people: 'person', isDestructive: true },
  { route: 'DELETE /v1/sessions/:id', people: 'person' },
  { route: 'GET /v1/me', people: 'person' },
  { route: 'PATCH /v1/me', people: 'person' },
  { route: 'DELETE /v1/me', people: 'person' },
  { route: 'POST /v1/password-resets', people: 'everybody' },
  { route: 'POST /v1/password-resets/:code', people: 'everybody' },
  { route: 'GET /v1/people', people: 'operator' },
  { route: 'PATCH /v1/people/:id', people: 'operator' },
  { route: 'DELETE /v1/people/:id/sessions', people: 'operator' },
  { route: 'POST /v1/people/:id/password-reset', people: 'operator' },
  { route: 'POST /v1/me/password', people: 'person' },
  { route: 'GET /v1/me/two-factor', people: 'person' },
  { route: 'POST /v1/me/two-factor', people: 'person' },
  { route: 'POST /v1/me/two-factor/confirm', people: 'person' },
  { route: 'POST /v1/me/two-factor/recovery-codes', people: 'person' },
  { route: 'DELETE /v1/me/two-factor', people: 'person' },
  { route: 'GET /v1/me/passkeys', people: 'person' },
  { route: 'POST /v1/me/passkeys/options', people: 'person' },
  { route: 'POST /v1/me/passkeys', people: 'person' },
  { route: 'POST /v1/me/passkeys/proof', people: 'person' },
  { route: 'PATCH /v1/me/passkeys/:id', people: 'person' },
  { route: 'DELETE /v1/me/passkeys/:id', people: 'person' },
  { route: 'POST /v1/device/code', people: 'everybody' },
  { route: 'POST /v1/device/token', people: 'everybody' },
  { route: 'POST /v1/oauth/token', people: 'everybody' },
  { route: 'GET /v1/device/requests/:userCode', people: 'person' },
  { route: 'POST /v1/device/approve', people: 'person' },
  { route: 'POST /v1/device/deny', people: 'person' },
  { route: 'GET /v1/workspaces', people: 'person' },
  { route: 'POST /v1/workspaces', people: 'person' },
  { route: 'PATCH /v1/workspaces/:workspace', people: 'admin' },
  { route: 'DELETE /v1/workspaces/:workspace', people: 'owner', isDestructive: true },
  { route: 'POST /v1/workspaces/:workspace/owner', people: 'owner', body: { memberId: 'mem_nobody' } },
  { route: 'GET /v1/members', people: 'member' },
  { route: 'PATCH /v1/members/:id', people: 'admin' },
  { route: 'DELETE /v1/members/:id', people: 'admin' },
  { route: 'DELETE /v1/members/:id/sessions', people: 'admin' },
  { route: 'DELETE /v1/members/me', people: 'member', isDestructive: true },
  { route: 'GET /v1/invitations', people: 'admin' },
  { route: 'POST /v1/invitations', people: 'admin' },
  { route: 'DELETE /v1/invitations/:id', people: 'admin' },
  { route: 'POST /v1/invitations/:code/accept', people: 'person' },
  { route: 'GET /v1/access-tokens', people: 'member' },
  { route: 'POST /v1/access-tokens', people: 'admin' },
  { route: 'GET /v1/access-tokens/:id', people: 'member' },
  { route: 'DELETE /v1/access-tokens/:id', people: 'admin' },
  { route: 'GET /v1/access-tokens/:id/uses', people: 'member' },
  { route: 'PATCH /v1/access-tokens/:id', people: 'everybody' },
  { route: 'PUT /v1/access-tokens/:id', people: 'everybody' },
  { route: 'GET /v1/api-keys', people: 'member' },
  { route: 'POST /v1/api-keys', people: 'admin' },
  { route: 'GET /v1/api-keys/:id', people: 'member' },
  { route: 'PATCH /v1/api-keys/:id', people: 'admin' },
  { route: 'DELETE /v1/api-keys/:id', people: 'admin' },
  { route: 'GET /v1/api-keys/:id/uses', people: 'member' },
  {
    route: 'POST /v1/credentials/import',
    people: 'admin',
    body: { credentials: [{ kind: 'api_key', digest: '0'.repeat(64), name: 'Imported', permissions: ['read'] }] },
  },
  { route: 'GET /v1/policy', people: 'admin' },
  { route: 'PATCH /v1/policy', people: 'owner' },
  { route: 'GET /v1/review', people: 'admin' },
  { route: 'POST /v1/review/:credential', people: 'admin', body: { decision: 'keep' } },
  { route: 'GET /v1/audit-events', people: 'admin' },
  {
    route: 'POST /v1/authorize/explain',
    people: 'admin',
    body: { credential: 'tok_nobody', requirement: {} },
  },
  {
    route: 'POST /mcp',
    people: 'nobody',
    token: SCOPES,
    key: PERMISSIONS,
    body: { jsonrpc: '2.0', id: 1, method: 'ping' },
  },
  { route: 'POST /v1/introspect', people: 'nobody', key: ['read'], body: new URLSearchParams({ token: 'x' }) },
  { route: 'POST /v1/leaks', people: 'everybody', body: [] },
  { route: 'POST /v1/revoke', people: 'everybody', body: new URLSearchParams({ token: 'x' }) },
  { route: 'GET /v1/whoami', people: 'anyone' },
  { route: 'POST /v1/guards/beats', people: 'nobody', key: ['guard'] },
  { route: 'GET /v1/guards/revocations', people: 'nobody', key: ['guard'] },
  { route: 'POST /v1/guards/records', people: 'nobody', key: ['guard'] },
  { route: 'POST /v1/guards/uses', people: 'nobody', key: ['guard'] },
  { route: 'DELETE /v1/guards/:guard', people: 'nobody', key: ['guard'] },
  ...resourceRows('projects', 'project', 'manage_projects'),
  ...resourceRows('apps', 'app', 'manage_apps'),
  ...resourceRows('servers', 'server', 'manage_servers'),
  { route: 'POST /v1/servers/:server/check', people: 'admin', key: ['manage_servers'] },
  { route: 'POST /v1/servers/:server/host-key', people: 'admin' },
  { route: 'POST /v1/servers/:server/confirm', people: 'admin' },
  { route: 'GET /v1/apps/:app/env', people: 'member', token: ['modify_env'] },
  { route: 'PATCH /v1/apps/:app/env', people: 'admin', token: ['modify_env'] },
  { route: 'PUT /v1/apps/:app/env/:name', people: 'admin', token: ['modify_env'] },
  { route: 'DELETE /v1/apps/:app/env/:name', people: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/apps/:app/env/versions', people: 'member', token: ['modify_env'] },
  { route: 'POST /v1/apps/:app/env/versions/:version/restore', people: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/projects/:project/env', people: 'member', token: ['modify_env'] },
  { route: 'PATCH /v1/projects/:project/env', people: 'admin', token: ['modify_env'] },
  { route: 'PUT /v1/projects/:project/env/:name', people: 'admin', token: ['modify_env'] },
  { route: 'DELETE /v1/projects/:project/env/:name', people: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/projects/:project/env/versions', people: 'member', token: ['modify_env'] },
  { route: 'POST /v1/projects/:project/env/versions/:version/restore', people: 'admin', token: ['modify_env'] },
  { route: 'POST /v1/activity/events', people: 'admin', token: ['activity_tracker'] },
  { route: 'OPTIONS /v1/activity/events', people: 'everybody' },
  { route: 'GET /v1/activity/events', people: 'member', token: ['activity_tracker_analytics'] },
  { route: 'GET /v1/activity/analytics', people: 'member', token: ['activity_tracker_analytics'] },
  { route: 'POST /v1/errors/events', people: 'admin', token: ['error_tracker'] },
  ...['envelope', 'store'].flatMap((endpoint): Row[] => [
    { route: `POST /api/:any/${endpoint}/`, people: 'error key' },
    { route: `OPTIONS /api/:any/${endpoint}/`, people: 'everybody' },
  ]),
  { route: 'GET /v1/errors/keys', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'POST /v1/errors/keys', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/errors/keys/:id', people: 'admin', key: ['write', 'manage_apps'] },
  ...['GET /v1/errors/source-maps', 'POST /v1/errors/source-maps', 'DELETE /v1/errors/source-maps/:id'].map(
    (route): Row => ({ route, people: 'admin', token: ['error_tracker'], key: ['write', 'manage_apps'] }),
  ),
  { route: 'GET /v1/errors/issues', people: 'member', token: ['error_tracker'] },
  { route: 'GET /v1/errors/issues/:id', people: 'member', token: ['error_tracker'] },
  { route: 'PATCH /v1/errors/issues/:id', people: 'admin', token: ['error_tracker'] },
  { route: 'DELETE /v1/errors/issues/:id', people: 'admin', token: ['error_tracker'] },
  { route: 'GET /v1/errors/issues/:id/events', people: 'member', token: ['error_tracker'] },
  { route: 'GET /v1/deployments', people: 'member', token: DEPLOYERS, key: ['read', 'deploy'] },
  { route: 'GET /v1/deployments/:id', people: 'member', token: DEPLOYERS, key: ['read', 'deploy'] },
  { route: 'GET /v1/deployments/:id/logs', people: 'member', token: DEPLOYERS, key: ['view_logs'] },
  { route: 'GET /v1/apps/:app/logs', people: 'member', key: ['view_logs'] },
  { route: 'POST /v1/deployments/:id/cancel', people: 'member', token: DEPLOYERS, key: ['deploy'] },
  { route: 'POST /v1/apps/:app/deployments', people: 'member', token: ['basic_deployment'], key: ['deploy'] },
  { route: 'POST /v1/apps/:app/push', people: 'signature' },
  { route: 'GET /v1/apps/:app/commit-status', people: 'member', key: ['read', 'manage_apps'] },
  { route: 'PUT /v1/apps/:app/commit-status', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/apps/:app/commit-status', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'GET /v1/apps/:app/deploy-key', people: 'member', key: ['read', 'manage_apps'] },
  { route: 'POST /v1/apps/:app/deploy-key', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/apps/:app/deploy-key', people: 'admin', key: ['write', 'manage_apps'] },
  { route: 'POST /v1/apps/:app/deploy-key/check', people: 'admin', key: ['manage_apps'] },
  {
    route: 'POST /v1/apps/:app/deploy-key/confirm',
    people: 'admin',
    body: { host: 'git.example.com', port: 22, hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}` },
  },
  { route: 'GET /v1/deployments/:id/variables', people: 'member', token: ['modify_env'] },
  { route: 'POST /v1/apps/:app/push-secret', people: 'admin', key: ['write', 'manage_apps'] },
  ...['/v1/deployments/:id', '/v1/apps/:app/deployments/:id'].flatMap((path): Row[] => [
    { route: `POST ${path}/retry`, people: 'member', token: DEPLOYERS, key: ['deploy'] },
    { route: `POST ${path}/rollback`, people: 'member', token: ['basic_deployment'], key: ['deploy'] },
    { route: `POST ${path}/approve`, people: 'member', token: ['advanced_deployment'], key: ['deploy'] },
    { route: `POST ${path}/promote`, people: 'member', token: ['advanced_deployment'], key: ['deploy'] },
    { route: `POST ${path}/abort`, people: 'member', token: ['advanced_deployment'], key: ['deploy'] },
  ]),
  { route: 'GET /v1/scripts', people: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'POST /v1/scripts', people: 'admin', key: ['write'] },
  { route: 'GET /v1/scripts/:script', people: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'PATCH /v1/scripts/:script', people: 'admin', key: ['write'] },
  { route: 'DELETE /v1/scripts/:script', people: 'admin', key: ['delete'] },
  { route: 'GET /v1/scripts/:script/versions', people: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'GET /v1/scripts/:script/next-runs', people: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'POST /v1/scripts/:script/runs', people: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/scripts/:script/runs', people: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/runs/:id', people: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/runs/:id/logs', people: 'member', token: ['run_scripts'] },
  { route: 'POST /v1/runs/:id/cancel', people: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/apps/:app/backups', people: 'member', key: ['manage_backups'] },
  { route: 'POST /v1/apps/:app/backups', people: 'member', key: ['manage_backups'] },
  { route: 'POST /v1/backup-keys', people: 'admin', key: ['manage_backups'] },
  { route: 'GET /v1/backups/:id', people: 'member', key: ['manage_backups'] },
  { route: 'GET /v1/backups/:id/download', people: 'admin', key: ['manage_backups'] },
  { route: 'POST /v1/backups/:id/restore', people: 'admin', key: ['manage_backups'] },
  { route: 'POST /v1/backups/:id/verify', people: 'member', key: ['manage_backups'] },
  { route: 'DELETE /v1/backups/:id', people: 'admin', key: ['manage_backups'] },
  { route: 'GET /v1/me/notifications', people: 'admin' },
  { route: 'PATCH /v1/me/notifications', people: 'admin', body: { kinds: {} } },
  { route: 'GET /v1/notices', people: 'admin' },
  { route: 'POST /v1/notices/:id/dismiss', people: 'admin' },
  { route: 'POST /v1/notices/:id/reopen', people: 'admin' },
  { route: 'GET /v1/webhooks', people: 'admin' },
  { route: 'POST /v1/webhooks', people: 'admin' },
  { route: 'GET /v1/webhooks/:id', people: 'admin' },
  { route: 'PATCH /v1/webhooks/:id', people: 'admin' },
  { route: 'DELETE /v1/webhooks/:id', people: 'admin' },
  { route: 'POST /v1/webhooks/:id/secret', people: 'admin' },
  { route: 'POST /v1/webhooks/:id/test', people: 'admin' },
  { route: 'GET /v1/webhooks/:id/deliveries', people: 'admin' },
  { route: 'GET /v1/webhooks/:id/deliveries/:delivery', people: 'admin' },
  { route: 'POST /v1/webhooks/:id/deliveries/:delivery/redeliver', people: 'admin' },
  { route: 'GET /v1/workload-identities', people: 'member' },
  { route: 'POST /v1/workload-identities', people: 'admin' },
  { route: 'GET /v1/workload-identities/:id', people: 'member' },
  { route: 'PATCH /v1/workload-identities/:id', people: 'admin' },
  { route: 'DELETE /v1/workload-identities/:id', people: 'admin' },
  { route: 'GET /v1/workload-identities/:id/exchanges', people: 'admin' },
  { route: 'POST /v1/workload-identities/:id/test', people: 'admin' },
];

const RANK = { member: 1, admin: 2, owner: 3 } as const;
type Role = keyof typeof RANK;

/** A principal of this test, and the headers that it sends. */
interface TestPrincipal {
  readonly name: string;
  readonly identity:
    | { readonly kind: 'signed out' | 'refused'; readonly code: string }
    | { readonly kind: 'stranger' | Role }
    | { readonly kind: 'token'; readonly scopes: readonly Scope[] }
    | { readonly kind: 'key'; readonly permissions: readonly (Permission | 'guard')[] };
  readonly headers: Readonly<Record<string, string>>;
  /** A credential that names a workspace other than its own. It has no access to either workspace. */
  readonly namesOtherWorkspace?: true;
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

let now = Date.now();
let testServer: TestServer;
let owner: TestPerson;
const testPrincipals: TestPrincipal[] = [];

function headersOf(person: TestPerson): Record<string, string> {
  return { cookie: person.cookie, origin: testServer.url, 'devpilot-workspace': owner.workspaceId };
}

before(async () => {
  testServer = await startTestServer({ clock: () => now, environment: { DEVPILOT_SIGN_UP: 'open' } });
  owner = await signUpOwner(testServer);
  const admin = await signUpMember(testServer, owner, 'admin', 'grace@example.com');
  const member = await signUpMember(testServer, owner, 'member', 'linus@example.com');
  const signedUp = await testServer.call('/v1/people', {
    body: { name: 'Eve', email: 'eve@example.com', password: PASSWORD },
  });
  const stranger = await createWorkspaceFor(
    createTestPerson(testServer, { email: 'eve@example.com', cookie: cookieOf(signedUp) }),
    testServer,
    'Evil',
  );
  const passphrase = 'correct horse';
  const tokenWithAll = await createToken(owner, ['all']);
  const tokenWithPassphrase = await createToken(owner, ['all'], { passphrase });
  const fullKey = await createKey(owner, [...PERMISSIONS]);
  const guardKey = await createKey(owner, ['read'], { guard: true });
  const guardKeyWithoutRead = await createKey(owner, ['deploy'], { guard: true });
  const inactiveKey = await createKey(owner, [...PERMISSIONS], { active: false });
  const expiredToken = await createToken(owner, ['all'], { expiresAt: new Date(now + 1000).toISOString() });
  const strangerKey = await createKey(stranger, [...PERMISSIONS]);
  const deletedKey = await createKey(owner, [...PERMISSIONS]);
  assert.equal((await owner.call(`/v1/api-keys/${deletedKey.id}`, { method: 'DELETE' })).status, 204);
  now += 1000;

  const sessionAsBearer = {
    authorization: `Bearer ${owner.cookie.split('=')[1]}`,
    'devpilot-workspace': owner.workspaceId,
  };
  const refused = (name: string, code: string, headers: Record<string, string>): TestPrincipal => ({
    name,
    identity: { kind: code === 'missing_credential' ? 'signed out' : 'refused', code },
    headers,
  });
  const token = (name: string, scopes: Scope[], headers: Record<string, string>): TestPrincipal => ({
    name,
    identity: { kind: 'token', scopes },
    headers,
  });
  const key = (
    name: string,
    permissions: readonly (Permission | 'guard')[],
    headers: Record<string, string>,
  ): TestPrincipal => ({
    name,
    identity: { kind: 'key', permissions },
    headers,
  });
  testPrincipals.push(
    refused('nobody', 'missing_credential', {}),
    refused('a malformed secret', 'invalid_token', bearer('dp_nonsense')),
    refused('an unknown access token', 'invalid_token', bearer(mintSecret('access_token'))),
    refused('an unknown API key', 'invalid_token', { 'x-api-key': mintSecret('api_key') }),
    refused('an unknown session', 'invalid_token', bearer(mintSecret('session'))),
    refused('an unknown session cookie', 'invalid_token', {
      cookie: `devpilot=${mintSecret('session')}`,
      origin: testServer.url,
    }),
    refused('a deleted API key', 'invalid_token', bearer(deletedKey.secret)),
    refused('an expired access token', 'token_expired', bearer(expiredToken.secret)),
    refused('an inactive API key', 'token_inactive', { 'x-api-key': inactiveKey.secret }),
    refused('a token without its passphrase', 'passphrase_required', bearer(tokenWithPassphrase.secret)),
    { name: 'a stranger', identity: { kind: 'stranger' }, headers: headersOf(stranger) },
    { name: 'a member', identity: { kind: 'member' }, headers: headersOf(member) },
    { name: 'an admin', identity: { kind: 'admin' }, headers: headersOf(admin) },
    { name: 'the owner', identity: { kind: 'owner' }, headers: headersOf(owner) },
    { name: 'the owner, by Bearer', identity: { kind: 'owner' }, headers: sessionAsBearer },
    token('a token with all', ['all'], bearer(tokenWithAll.secret)),
    token('a token with all, by Basic', ['all'], basic(tokenWithAll.secret, '')),
    token('a token with all and its passphrase', ['all'], {
      ...bearer(tokenWithPassphrase.secret),
      'access-token-passphrase': passphrase,
    }),
    token('a token with all and its passphrase, by Basic', ['all'], basic(tokenWithPassphrase.secret, passphrase)),
    key('a key with every permission', PERMISSIONS, bearer(fullKey.secret)),
    key('a key with every permission, by X-API-Key', PERMISSIONS, { 'x-api-key': fullKey.secret }),
    key('a key with every permission, by Basic', PERMISSIONS, basic('anybody', fullKey.secret)),
    key('a key that can run guards', ['read', 'guard'], bearer(guardKey.secret)),
    key('a key with the guard flag, without read', ['deploy'], bearer(guardKeyWithoutRead.secret)),
    key('a key that names its own workspace', PERMISSIONS, {
      ...bearer(fullKey.secret),
      'devpilot-workspace': 'acme',
    }),
    // A credential has access to its own workspace only; naming another one grants nothing (CVE-2026-92764).
    ...[owner.workspaceId, 'acme', 'nothing-of-this-name'].map((workspaceName) => ({
      ...key(`a key of another workspace that names ${workspaceName}`, PERMISSIONS, {
        ...bearer(strangerKey.secret),
        'devpilot-workspace': workspaceName,
      }),
      namesOtherWorkspace: true as const,
    })),
    {
      ...token('a token that names another workspace', ['all'], {
        ...bearer(tokenWithAll.secret),
        'devpilot-workspace': stranger.workspaceId,
      }),
      namesOtherWorkspace: true,
    },
  );
  for (const scope of SCOPES) {
    if (scope === 'all') continue;
    const { secret } = await createToken(owner, [scope]);
    testPrincipals.push(token(`a token with ${scope}`, [scope], bearer(secret)));
  }
  for (const permission of PERMISSIONS) {
    const { secret } = await createKey(owner, [permission]);
    testPrincipals.push(key(`a key with ${permission}`, [permission], bearer(secret)));
  }
});
after(() => testServer.close());

/** Returns the status and code of the refusal that the table specifies, or null if the request is authorized. */
function expectedRefusal(row: Row, testPrincipal: TestPrincipal): [number, string] | null {
  const refusal = refusalByRights(row, testPrincipal);
  return refusal === null && testPrincipal.namesOtherWorkspace && row.people !== 'everybody'
    ? [404, 'not_found']
    : refusal;
}

function refusalByRights(row: Row, { identity }: TestPrincipal): [number, string] | null {
  if (row.people === 'everybody') return null;
  if (row.people === 'error key') return [401, 'missing_credential'];
  if (row.people === 'signature') return [401, 'invalid_token'];
  if (identity.kind === 'signed out' || identity.kind === 'refused') return [401, identity.code];
  if (identity.kind === 'token' || identity.kind === 'key') {
    if (row.people === 'anyone') return null;
    const accepted: readonly string[] | undefined = identity.kind === 'token' ? row.token : row.key;
    if (accepted === undefined) return [403, 'wrong_credential_kind'];
    const held: readonly string[] = identity.kind === 'token' ? identity.scopes : identity.permissions;
    const meets = (identity.kind === 'token' && held.includes('all')) || accepted.some((right) => held.includes(right));
    return meets ? null : [403, 'insufficient_scope'];
  }
  if (row.people === 'nobody') return [403, 'wrong_credential_kind'];
  if (row.people === 'person') return null;
  // The owner was the first to sign up, and is therefore the operator.
  if (row.people === 'operator') return identity.kind === 'owner' ? null : [403, 'forbidden'];
  if (identity.kind === 'stranger') return [404, 'not_found'];
  if (row.people === 'anyone') return null;
  return RANK[identity.kind] >= RANK[row.people] ? null : [403, 'forbidden'];
}

/** Codes of refused authorization, which an authorized request never gets for the bodies of the table. */
const AUTHORIZATION_CODES = new Set([
  'missing_credential',
  'invalid_token',
  'token_expired',
  'token_inactive',
  'passphrase_required',
  'wrong_credential_kind',
  'insufficient_scope',
  'forbidden',
]);

function send(
  row: Row,
  testPrincipal: TestPrincipal,
  workspaceId = owner.workspaceId,
): Promise<TestResponse<{ code?: string }>> {
  const [method = '', path = ''] = row.route.split(' ');
  // DELETE of two-factor authentication requires a body with the password.
  const hasBody = method !== 'GET' && method !== 'OPTIONS' && (method !== 'DELETE' || path.endsWith('two-factor'));
  return testServer.call(
    path.replace(':workspace', workspaceId).replace(/:[A-Za-z]+/, 'tok_01nosuchthing0000000000000'),
    { method, headers: testPrincipal.headers, ...(hasBody && { body: row.body ?? {} }) },
  );
}

test('the table of this test has exactly the routes of the app', () => {
  // The routes are only listed here, never called, so no server is needed.
  const routes = routeTable({} as AppContext).map(({ method, url }) => `${method} ${url}`);
  assert.deepEqual(routes.sort(), ROUTES.map(({ route }) => route).sort());
});

test('CVE-2026-62667, CVE-2023-39349, CVE-2026-24791: every route responds to every principal as the table of this test specifies', async () => {
  const violations: string[] = [];
  for (const row of ROUTES) {
    const responses = testPrincipals.map(async (testPrincipal) => {
      const expected = expectedRefusal(row, testPrincipal);
      if (expected === null && row.isDestructive) return;
      const { status, body, headers, text } = await send(row, testPrincipal);
      const result = `${row.route} by ${testPrincipal.name}: ${status} ${body?.code ?? ''}`;
      if (expected === null) {
        if (status >= 500 || AUTHORIZATION_CODES.has(body?.code ?? '')) violations.push(result);
      } else {
        if (status !== expected[0] || body.code !== expected[1])
          violations.push(`${result}, not ${expected.join(' ')}`);
        if (status !== 404 && !headers.has('www-authenticate')) violations.push(`${result} without WWW-Authenticate`);
        const type = row.route === 'POST /v1/introspect' ? 'application/json' : 'application/problem+json';
        if (headers.get('content-type') !== type) violations.push(`${result} is not ${type}`);
      }
      if (/workspace_token_[0-9A-Za-z]{40}|dp_[0-9A-Za-z]{40}/.test(text))
        violations.push(`${result} contains a secret`);
    });
    await Promise.all(responses);
  }
  assert.deepEqual(violations, []);
});

test('HEAD requires a credential wherever GET does', async () => {
  for (const row of ROUTES) {
    if (!row.route.startsWith('GET') || row.people === 'everybody') continue;
    const path = row.route.slice(4).replace(/:[A-Za-z]+/, 'x');
    assert.equal((await testServer.call(path, { method: 'HEAD' })).status, 401, path);
  }
});

test('a refusal for a missing scope names the required scope', async () => {
  const { secret } = await createKey(owner, ['write', 'delete']);
  const body = new URLSearchParams({ token: 'x' });
  const refused = await testServer.call<{ required: string[] }>('/v1/introspect', { body, headers: bearer(secret) });
  assert.deepEqual(refused.body.required, ['read']);
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="read"/);
});

test('CVE-2022-31667: IDs of another workspace get the same response as IDs that do not exist', async () => {
  const eve = await createWorkspaceFor(owner, testServer, 'Second');
  const token = await createToken(eve, ['all']);
  const key = await createKey(eve, ['read']);
  const members = await eve.call<{ data: { id: string }[] }>('/v1/members');
  const invited = await eve.call<{ id: string }>('/v1/invitations', {
    body: { email: 'new@example.com', role: 'member' },
  });
  const memberId = members.body.data[0]?.id ?? '';
  const requests: [string, string, string, unknown?][] = [
    ['GET', '/v1/access-tokens/', token.id],
    ['GET', '/v1/access-tokens/', key.id],
    ['DELETE', '/v1/access-tokens/', token.id],
    ['GET', '/v1/access-tokens/', `${token.id}/uses`],
    ['GET', '/v1/api-keys/', key.id],
    ['PATCH', '/v1/api-keys/', key.id, { name: 'Taken over' }],
    ['DELETE', '/v1/api-keys/', key.id],
    ['GET', '/v1/api-keys/', `${key.id}/uses`],
    ['PATCH', '/v1/members/', memberId, { role: 'admin' }],
    ['DELETE', '/v1/members/', memberId],
    ['DELETE', '/v1/invitations/', invited.body.id],
  ];
  /** The response without the parts that differ between any two requests. */
  const comparable = ({ status, text, headers }: TestResponse) => {
    const comparableHeaders = [...headers].filter(
      ([name]) => !/^(date|x-request-id|content-length|connection|keep-alive)$/.test(name),
    );
    return JSON.stringify([status, comparableHeaders, text.replace(/"requestId":"[^"]*"/, '')]);
  };
  for (const [method, path, id, body] of requests) {
    const call = (suffix: string) => owner.call(path + suffix, { method, ...(body !== undefined && { body }) });
    const foreign = await call(id);
    const unknown = await call(id.replace(/_\w{26}/, '_01zzzzzzzzzzzzzzzzzzzzzzzz'));
    assert.equal(foreign.status, 404, `${method} ${path}${id}`);
    assert.equal(comparable(foreign), comparable(unknown));
  }
  // A list contains resources of one workspace only, also with a cursor from another workspace.
  await createToken(eve, ['all']);
  const evesPage = await eve.call<{ nextCursor: string }>('/v1/access-tokens?limit=1');
  assert.equal(evesPage.status, 200);
  const ownersPage = await owner.call(`/v1/access-tokens?cursor=${evesPage.body.nextCursor}`);
  assert.ok(!ownersPage.text.includes(token.id));
  assert.equal((await testServer.call('/v1/authorize', { headers: bearer(key.secret) })).status, 200);
});

// Last, because turning on two-factor authentication ends the other sessions.
test('where the policy requires a second factor, a person without one reaches only their own account', async () => {
  const strict = await createWorkspaceFor(await turnOnTwoFactor(testServer, owner, now), testServer, 'Strict');
  const admin = await signUpMember(testServer, strict, 'admin', 'joan@example.com');
  const required = await strict.call('/v1/policy', { method: 'PATCH', body: { requireTwoFactor: true } });
  assert.equal(required.status, 200, required.text);
  const headers = { cookie: admin.cookie, origin: testServer.url, 'devpilot-workspace': strict.workspaceId };
  const testPrincipal: TestPrincipal = { name: 'an admin', identity: { kind: 'admin' }, headers };
  const violations: string[] = [];
  for (const row of ROUTES) {
    if (row.people === 'error key' || row.people === 'signature' || (row.isDestructive && row.people === 'person'))
      continue;
    const { status, body } = await send(row, testPrincipal, strict.workspaceId);
    const isRefused = status === 403 && body.code === 'second_factor_needed';
    const needsRole = row.people === 'member' || row.people === 'admin' || row.people === 'owner';
    if (isRefused !== needsRole) violations.push(`${row.route}: ${status} ${body?.code ?? ''}`);
  }
  assert.deepEqual(violations, []);
  const protectedAdmin = await turnOnTwoFactor(testServer, admin, now);
  assert.equal((await protectedAdmin.call('/v1/members')).status, 200);
});
