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
 * `public`: no credential required. `error key`: only an error key, which no principal of this test has.
 * `signature`: only a signed request, from any sender. `any principal`: people, tokens and keys.
 * `person`: any signed-in person. `operator`: any operator. A role: members with that role or a higher one.
 * `no person`: only tokens or keys.
 * Tokens and keys are accepted only where listed, and where any principal is.
 */
type Access =
  | 'public'
  | 'error key'
  | 'signature'
  | 'any principal'
  | 'person'
  | 'operator'
  | 'member'
  | 'admin'
  | 'owner'
  | 'no person';
interface Row {
  readonly route: string;
  readonly access: Access;
  readonly token?: readonly Scope[];
  /** `guard` is a flag in addition to the permission `read`. */
  readonly key?: readonly (Permission | 'guard')[];
  /** A body with which permitted principals change nothing that this test needs; `{}` if absent. */
  readonly body?: unknown;
  /** The request would delete the test's workspace, membership or session, so permitted principals do not send it. */
  readonly isDestructive?: true;
}

const DEPLOYERS = ['basic_deployment', 'advanced_deployment'] as const;

/**
 * Projects, apps and servers have the same routes. Keys need read, write or delete; the permission that
 * `manage` names is enough for each route.
 */
function resourceRows(nouns: string, noun: string, manage: Permission): Row[] {
  return [
    { route: `GET /v1/${nouns}`, access: 'member', key: ['read', manage] },
    { route: `POST /v1/${nouns}`, access: 'admin', key: ['write', manage] },
    { route: `GET /v1/${nouns}/:${noun}`, access: 'member', key: ['read', manage] },
    { route: `PATCH /v1/${nouns}/:${noun}`, access: 'admin', key: ['write', manage] },
    { route: `DELETE /v1/${nouns}/:${noun}`, access: 'admin', key: ['delete', manage] },
  ];
}

const ROUTES: readonly Row[] = [
  { route: 'POST /v1/people', access: 'public' },
  { route: 'GET /.well-known/oauth-authorization-server', access: 'public' },
  { route: 'POST /v1/sessions', access: 'public' },
  { route: 'POST /v1/sessions/passkey/options', access: 'public' },
  { route: 'POST /v1/sessions/passkey', access: 'public' },
  { route: 'GET /v1/oidc/start', access: 'public' },
  { route: 'POST /v1/oidc/start', access: 'public' },
  { route: 'GET /v1/oidc/callback', access: 'public' },
  { route: 'POST /v1/oidc/second-factor', access: 'public' },
  { route: 'POST /v1/oidc/backchannel-logout', access: 'public' },
  { route: 'POST /v1/sessions/link', access: 'public' },
  { route: 'GET /v1/me/single-sign-on', access: 'person' },
  { route: 'POST /v1/me/single-sign-on', access: 'person' },
  { route: 'DELETE /v1/me/single-sign-on/:id', access: 'person' },
  { route: 'GET /v1/sessions', access: 'person' },
  { route: 'DELETE /v1/sessions', access: 'person' },
  { route: 'DELETE /v1/sessions/current', access: 'person', isDestructive: true },
  { route: 'DELETE /v1/sessions/:id', access: 'person' },
  { route: 'GET /v1/me', access: 'person' },
  { route: 'PATCH /v1/me', access: 'person' },
  { route: 'DELETE /v1/me', access: 'person' },
  { route: 'POST /v1/password-resets', access: 'public' },
  { route: 'POST /v1/password-resets/:code', access: 'public' },
  { route: 'GET /v1/people', access: 'operator' },
  { route: 'PATCH /v1/people/:id', access: 'operator' },
  { route: 'DELETE /v1/people/:id/sessions', access: 'operator' },
  { route: 'POST /v1/people/:id/password-reset', access: 'operator' },
  { route: 'POST /v1/me/password', access: 'person' },
  { route: 'GET /v1/me/two-factor', access: 'person' },
  { route: 'POST /v1/me/two-factor', access: 'person' },
  { route: 'POST /v1/me/two-factor/confirm', access: 'person' },
  { route: 'POST /v1/me/two-factor/recovery-codes', access: 'person' },
  { route: 'DELETE /v1/me/two-factor', access: 'person' },
  { route: 'GET /v1/me/passkeys', access: 'person' },
  { route: 'POST /v1/me/passkeys/options', access: 'person' },
  { route: 'POST /v1/me/passkeys', access: 'person' },
  { route: 'POST /v1/me/passkeys/proof', access: 'person' },
  { route: 'PATCH /v1/me/passkeys/:id', access: 'person' },
  { route: 'DELETE /v1/me/passkeys/:id', access: 'person' },
  { route: 'POST /v1/device/code', access: 'public' },
  { route: 'POST /v1/device/token', access: 'public' },
  { route: 'POST /v1/oauth/token', access: 'public' },
  { route: 'GET /v1/device/requests/:userCode', access: 'person' },
  { route: 'POST /v1/device/approve', access: 'person' },
  { route: 'POST /v1/device/deny', access: 'person' },
  { route: 'GET /v1/workspaces', access: 'person' },
  { route: 'POST /v1/workspaces', access: 'person' },
  { route: 'PATCH /v1/workspaces/:workspace', access: 'admin' },
  { route: 'DELETE /v1/workspaces/:workspace', access: 'owner', isDestructive: true },
  { route: 'POST /v1/workspaces/:workspace/owner', access: 'owner', body: { memberId: 'mem_nobody' } },
  { route: 'GET /v1/members', access: 'member' },
  { route: 'PATCH /v1/members/:id', access: 'admin' },
  { route: 'DELETE /v1/members/:id', access: 'admin' },
  { route: 'DELETE /v1/members/:id/sessions', access: 'admin' },
  { route: 'DELETE /v1/members/me', access: 'member', isDestructive: true },
  { route: 'GET /v1/invitations', access: 'admin' },
  { route: 'POST /v1/invitations', access: 'admin' },
  { route: 'DELETE /v1/invitations/:id', access: 'admin' },
  { route: 'POST /v1/invitations/:code/accept', access: 'person' },
  { route: 'GET /v1/access-tokens', access: 'member' },
  { route: 'POST /v1/access-tokens', access: 'admin' },
  { route: 'GET /v1/access-tokens/:id', access: 'member' },
  { route: 'DELETE /v1/access-tokens/:id', access: 'admin' },
  { route: 'GET /v1/access-tokens/:id/uses', access: 'member' },
  { route: 'PATCH /v1/access-tokens/:id', access: 'public' },
  { route: 'PUT /v1/access-tokens/:id', access: 'public' },
  { route: 'GET /v1/api-keys', access: 'member' },
  { route: 'POST /v1/api-keys', access: 'admin' },
  { route: 'GET /v1/api-keys/:id', access: 'member' },
  { route: 'PATCH /v1/api-keys/:id', access: 'admin' },
  { route: 'DELETE /v1/api-keys/:id', access: 'admin' },
  { route: 'GET /v1/api-keys/:id/uses', access: 'member' },
  {
    route: 'POST /v1/credentials/import',
    access: 'admin',
    body: { credentials: [{ kind: 'api_key', digest: '0'.repeat(64), name: 'Imported', permissions: ['read'] }] },
  },
  { route: 'GET /v1/policy', access: 'admin' },
  { route: 'PATCH /v1/policy', access: 'owner' },
  { route: 'GET /v1/review', access: 'admin' },
  { route: 'POST /v1/review/:credential', access: 'admin', body: { decision: 'keep' } },
  { route: 'GET /v1/audit-events', access: 'admin' },
  {
    route: 'POST /v1/authorize/explain',
    access: 'admin',
    body: { credential: 'tok_nobody', requirement: {} },
  },
  {
    route: 'POST /mcp',
    access: 'no person',
    token: SCOPES,
    key: PERMISSIONS,
    body: { jsonrpc: '2.0', id: 1, method: 'ping' },
  },
  { route: 'POST /v1/introspect', access: 'no person', key: ['read'], body: new URLSearchParams({ token: 'x' }) },
  { route: 'POST /v1/leaks', access: 'public', body: [] },
  { route: 'POST /v1/revoke', access: 'public', body: new URLSearchParams({ token: 'x' }) },
  { route: 'GET /v1/whoami', access: 'any principal' },
  { route: 'POST /v1/guards/beats', access: 'no person', key: ['guard'] },
  { route: 'GET /v1/guards/revocations', access: 'no person', key: ['guard'] },
  { route: 'POST /v1/guards/records', access: 'no person', key: ['guard'] },
  { route: 'POST /v1/guards/uses', access: 'no person', key: ['guard'] },
  { route: 'DELETE /v1/guards/:guard', access: 'no person', key: ['guard'] },
  ...resourceRows('projects', 'project', 'manage_projects'),
  ...resourceRows('apps', 'app', 'manage_apps'),
  ...resourceRows('servers', 'server', 'manage_servers'),
  { route: 'POST /v1/servers/:server/check', access: 'admin', key: ['manage_servers'] },
  { route: 'POST /v1/servers/:server/host-key', access: 'admin' },
  { route: 'POST /v1/servers/:server/confirm', access: 'admin' },
  { route: 'GET /v1/apps/:app/env', access: 'member', token: ['modify_env'] },
  { route: 'PATCH /v1/apps/:app/env', access: 'admin', token: ['modify_env'] },
  { route: 'PUT /v1/apps/:app/env/:name', access: 'admin', token: ['modify_env'] },
  { route: 'DELETE /v1/apps/:app/env/:name', access: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/apps/:app/env/versions', access: 'member', token: ['modify_env'] },
  { route: 'POST /v1/apps/:app/env/versions/:version/restore', access: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/projects/:project/env', access: 'member', token: ['modify_env'] },
  { route: 'PATCH /v1/projects/:project/env', access: 'admin', token: ['modify_env'] },
  { route: 'PUT /v1/projects/:project/env/:name', access: 'admin', token: ['modify_env'] },
  { route: 'DELETE /v1/projects/:project/env/:name', access: 'admin', token: ['modify_env'] },
  { route: 'GET /v1/projects/:project/env/versions', access: 'member', token: ['modify_env'] },
  { route: 'POST /v1/projects/:project/env/versions/:version/restore', access: 'admin', token: ['modify_env'] },
  { route: 'POST /v1/activity/events', access: 'admin', token: ['activity_tracker'] },
  { route: 'OPTIONS /v1/activity/events', access: 'public' },
  { route: 'GET /v1/activity/events', access: 'member', token: ['activity_tracker_analytics'] },
  { route: 'GET /v1/activity/analytics', access: 'member', token: ['activity_tracker_analytics'] },
  { route: 'POST /v1/errors/events', access: 'admin', token: ['error_tracker'] },
  ...['envelope', 'store'].flatMap((endpoint): Row[] => [
    { route: `POST /api/:any/${endpoint}/`, access: 'error key' },
    { route: `OPTIONS /api/:any/${endpoint}/`, access: 'public' },
  ]),
  { route: 'GET /v1/errors/keys', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'POST /v1/errors/keys', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/errors/keys/:id', access: 'admin', key: ['write', 'manage_apps'] },
  ...['GET /v1/errors/source-maps', 'POST /v1/errors/source-maps', 'DELETE /v1/errors/source-maps/:id'].map(
    (route): Row => ({ route, access: 'admin', token: ['error_tracker'], key: ['write', 'manage_apps'] }),
  ),
  { route: 'GET /v1/errors/issues', access: 'member', token: ['error_tracker'] },
  { route: 'GET /v1/errors/issues/:id', access: 'member', token: ['error_tracker'] },
  { route: 'PATCH /v1/errors/issues/:id', access: 'admin', token: ['error_tracker'] },
  { route: 'DELETE /v1/errors/issues/:id', access: 'admin', token: ['error_tracker'] },
  { route: 'GET /v1/errors/issues/:id/events', access: 'member', token: ['error_tracker'] },
  { route: 'GET /v1/deployments', access: 'member', token: DEPLOYERS, key: ['read', 'deploy'] },
  { route: 'GET /v1/deployments/:id', access: 'member', token: DEPLOYERS, key: ['read', 'deploy'] },
  { route: 'GET /v1/deployments/:id/logs', access: 'member', token: DEPLOYERS, key: ['view_logs'] },
  { route: 'GET /v1/apps/:app/logs', access: 'member', key: ['view_logs'] },
  { route: 'POST /v1/deployments/:id/cancel', access: 'member', token: DEPLOYERS, key: ['deploy'] },
  { route: 'POST /v1/apps/:app/deployments', access: 'member', token: ['basic_deployment'], key: ['deploy'] },
  { route: 'POST /v1/apps/:app/push', access: 'signature' },
  { route: 'GET /v1/apps/:app/commit-status', access: 'member', key: ['read', 'manage_apps'] },
  { route: 'PUT /v1/apps/:app/commit-status', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/apps/:app/commit-status', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'GET /v1/apps/:app/deploy-key', access: 'member', key: ['read', 'manage_apps'] },
  { route: 'POST /v1/apps/:app/deploy-key', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'DELETE /v1/apps/:app/deploy-key', access: 'admin', key: ['write', 'manage_apps'] },
  { route: 'POST /v1/apps/:app/deploy-key/check', access: 'admin', key: ['manage_apps'] },
  {
    route: 'POST /v1/apps/:app/deploy-key/confirm',
    access: 'admin',
    body: { host: 'git.example.com', port: 22, hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}` },
  },
  { route: 'GET /v1/deployments/:id/variables', access: 'member', token: ['modify_env'] },
  { route: 'POST /v1/apps/:app/push-secret', access: 'admin', key: ['write', 'manage_apps'] },
  ...['/v1/deployments/:id', '/v1/apps/:app/deployments/:id'].flatMap((path): Row[] => [
    { route: `POST ${path}/retry`, access: 'member', token: DEPLOYERS, key: ['deploy'] },
    { route: `POST ${path}/rollback`, access: 'member', token: ['basic_deployment'], key: ['deploy'] },
    { route: `POST ${path}/approve`, access: 'member', token: ['advanced_deployment'], key: ['deploy'] },
    { route: `POST ${path}/promote`, access: 'member', token: ['advanced_deployment'], key: ['deploy'] },
    { route: `POST ${path}/abort`, access: 'member', token: ['advanced_deployment'], key: ['deploy'] },
  ]),
  { route: 'GET /v1/scripts', access: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'POST /v1/scripts', access: 'admin', key: ['write'] },
  { route: 'GET /v1/scripts/:script', access: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'PATCH /v1/scripts/:script', access: 'admin', key: ['write'] },
  { route: 'DELETE /v1/scripts/:script', access: 'admin', key: ['delete'] },
  { route: 'GET /v1/scripts/:script/versions', access: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'GET /v1/scripts/:script/next-runs', access: 'member', token: ['run_scripts'], key: ['read'] },
  { route: 'POST /v1/scripts/:script/runs', access: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/scripts/:script/runs', access: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/runs/:id', access: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/runs/:id/logs', access: 'member', token: ['run_scripts'] },
  { route: 'POST /v1/runs/:id/cancel', access: 'member', token: ['run_scripts'] },
  { route: 'GET /v1/apps/:app/backups', access: 'member', key: ['manage_backups'] },
  { route: 'POST /v1/apps/:app/backups', access: 'member', key: ['manage_backups'] },
  { route: 'POST /v1/backup-keys', access: 'admin', key: ['manage_backups'] },
  { route: 'GET /v1/backups/:id', access: 'member', key: ['manage_backups'] },
  { route: 'GET /v1/backups/:id/download', access: 'admin', key: ['manage_backups'] },
  { route: 'POST /v1/backups/:id/restore', access: 'admin', key: ['manage_backups'] },
  { route: 'POST /v1/backups/:id/verify', access: 'member', key: ['manage_backups'] },
  { route: 'DELETE /v1/backups/:id', access: 'admin', key: ['manage_backups'] },
  { route: 'GET /v1/me/notifications', access: 'admin' },
  { route: 'PATCH /v1/me/notifications', access: 'admin', body: { kinds: {} } },
  { route: 'GET /v1/notices', access: 'admin' },
  { route: 'POST /v1/notices/:id/dismiss', access: 'admin' },
  { route: 'POST /v1/notices/:id/reopen', access: 'admin' },
  { route: 'GET /v1/webhooks', access: 'admin' },
  { route: 'POST /v1/webhooks', access: 'admin' },
  { route: 'GET /v1/webhooks/:id', access: 'admin' },
  { route: 'PATCH /v1/webhooks/:id', access: 'admin' },
  { route: 'DELETE /v1/webhooks/:id', access: 'admin' },
  { route: 'POST /v1/webhooks/:id/secret', access: 'admin' },
  { route: 'POST /v1/webhooks/:id/test', access: 'admin' },
  { route: 'GET /v1/webhooks/:id/deliveries', access: 'admin' },
  { route: 'GET /v1/webhooks/:id/deliveries/:delivery', access: 'admin' },
  { route: 'POST /v1/webhooks/:id/deliveries/:delivery/redeliver', access: 'admin' },
  { route: 'GET /v1/workload-identities', access: 'member' },
  { route: 'POST /v1/workload-identities', access: 'admin' },
  { route: 'GET /v1/workload-identities/:id', access: 'member' },
  { route: 'PATCH /v1/workload-identities/:id', access: 'admin' },
  { route: 'DELETE /v1/workload-identities/:id', access: 'admin' },
  { route: 'GET /v1/workload-identities/:id/exchanges', access: 'admin' },
  { route: 'POST /v1/workload-identities/:id/test', access: 'admin' },
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

const basicAuthorization = (user: string, password: string) => ({
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
  const refusedPrincipal = (name: string, code: string, headers: Record<string, string>): TestPrincipal => ({
    name,
    identity: { kind: code === 'missing_credential' ? 'signed out' : 'refused', code },
    headers,
  });
  const tokenPrincipal = (name: string, scopes: Scope[], headers: Record<string, string>): TestPrincipal => ({
    name,
    identity: { kind: 'token', scopes },
    headers,
  });
  const keyPrincipal = (
    name: string,
    permissions: readonly (Permission | 'guard')[],
    headers: Record<string, string>,
  ): TestPrincipal => ({
    name,
    identity: { kind: 'key', permissions },
    headers,
  });
  testPrincipals.push(
    refusedPrincipal('nobody signed in', 'missing_credential', {}),
    refusedPrincipal('a malformed secret', 'invalid_token', bearer('dp_nonsense')),
    refusedPrincipal('an unknown access token', 'invalid_token', bearer(mintSecret('access_token'))),
    refusedPrincipal('an unknown API key', 'invalid_token', { 'x-api-key': mintSecret('api_key') }),
    refusedPrincipal('an unknown session', 'invalid_token', bearer(mintSecret('session'))),
    refusedPrincipal('an unknown session cookie', 'invalid_token', {
      cookie: `devpilot=${mintSecret('session')}`,
      origin: testServer.url,
    }),
    refusedPrincipal('a deleted API key', 'invalid_token', bearer(deletedKey.secret)),
    refusedPrincipal('an expired access token', 'token_expired', bearer(expiredToken.secret)),
    refusedPrincipal('an inactive API key', 'token_inactive', { 'x-api-key': inactiveKey.secret }),
    refusedPrincipal('a token without its passphrase', 'passphrase_required', bearer(tokenWithPassphrase.secret)),
    { name: 'a stranger', identity: { kind: 'stranger' }, headers: headersOf(stranger) },
    { name: 'a member', identity: { kind: 'member' }, headers: headersOf(member) },
    { name: 'an admin', identity: { kind: 'admin' }, headers: headersOf(admin) },
    { name: 'the owner', identity: { kind: 'owner' }, headers: headersOf(owner) },
    { name: 'the owner, by Bearer', identity: { kind: 'owner' }, headers: sessionAsBearer },
    tokenPrincipal('a token with all', ['all'], bearer(tokenWithAll.secret)),
    tokenPrincipal('a token with all, by Basic', ['all'], basicAuthorization(tokenWithAll.secret, '')),
    tokenPrincipal('a token with all and its passphrase', ['all'], {
      ...bearer(tokenWithPassphrase.secret),
      'access-token-passphrase': passphrase,
    }),
    tokenPrincipal(
      'a token with all and its passphrase, by Basic',
      ['all'],
      basicAuthorization(tokenWithPassphrase.secret, passphrase),
    ),
    keyPrincipal('a key with every permission', PERMISSIONS, bearer(fullKey.secret)),
    keyPrincipal('a key with every permission, by X-API-Key', PERMISSIONS, { 'x-api-key': fullKey.secret }),
    keyPrincipal('a key with every permission, by Basic', PERMISSIONS, basicAuthorization('anybody', fullKey.secret)),
    keyPrincipal('a key that can run guards', ['read', 'guard'], bearer(guardKey.secret)),
    keyPrincipal('a key with the guard flag, without read', ['deploy'], bearer(guardKeyWithoutRead.secret)),
    keyPrincipal('a key that names its own workspace', PERMISSIONS, {
      ...bearer(fullKey.secret),
      'devpilot-workspace': 'acme',
    }),
    // A credential has access to its own workspace only; naming another one grants nothing, unlike in CVE-2026-92764.
    ...[owner.workspaceId, 'acme', 'nothing-of-this-name'].map((workspaceName) => ({
      ...keyPrincipal(`a key of another workspace that names ${workspaceName}`, PERMISSIONS, {
        ...bearer(strangerKey.secret),
        'devpilot-workspace': workspaceName,
      }),
      namesOtherWorkspace: true as const,
    })),
    {
      ...tokenPrincipal('a token that names another workspace', ['all'], {
        ...bearer(tokenWithAll.secret),
        'devpilot-workspace': stranger.workspaceId,
      }),
      namesOtherWorkspace: true,
    },
  );
  for (const scope of SCOPES) {
    if (scope === 'all') continue;
    const { secret } = await createToken(owner, [scope]);
    testPrincipals.push(tokenPrincipal(`a token with ${scope}`, [scope], bearer(secret)));
  }
  for (const permission of PERMISSIONS) {
    const { secret } = await createKey(owner, [permission]);
    testPrincipals.push(keyPrincipal(`a key with ${permission}`, [permission], bearer(secret)));
  }
});
after(() => testServer.close());

/** Returns the status and code of the refusal that the table specifies, or null if the request is authorized. */
function expectedRefusal(row: Row, testPrincipal: TestPrincipal): [number, string] | null {
  const refusal = refusalByRights(row, testPrincipal);
  return refusal === null && testPrincipal.namesOtherWorkspace && row.access !== 'public'
    ? [404, 'not_found']
    : refusal;
}

function refusalByRights(row: Row, { identity }: TestPrincipal): [number, string] | null {
  if (row.access === 'public') return null;
  if (row.access === 'error key') return [401, 'missing_credential'];
  if (row.access === 'signature') return [401, 'invalid_token'];
  if (identity.kind === 'signed out' || identity.kind === 'refused') return [401, identity.code];
  if (identity.kind === 'token' || identity.kind === 'key') {
    if (row.access === 'any principal') return null;
    const accepted: readonly string[] | undefined = identity.kind === 'token' ? row.token : row.key;
    if (accepted === undefined) return [403, 'wrong_credential_kind'];
    const held: readonly string[] = identity.kind === 'token' ? identity.scopes : identity.permissions;
    const meets = (identity.kind === 'token' && held.includes('all')) || accepted.some((right) => held.includes(right));
    return meets ? null : [403, 'insufficient_scope'];
  }
  if (row.access === 'no person') return [403, 'wrong_credential_kind'];
  if (row.access === 'person') return null;
  // The owner was the first to sign up, and is therefore the operator.
  if (row.access === 'operator') return identity.kind === 'owner' ? null : [403, 'forbidden'];
  if (identity.kind === 'stranger') return [404, 'not_found'];
  if (row.access === 'any principal') return null;
  return RANK[identity.kind] >= RANK[row.access] ? null : [403, 'forbidden'];
}

/** Error codes of refused authorization. An authorized request with a body of the table never gets one of them. */
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

test('every route responds to every principal as the table of this test specifies (unlike in CVE-2026-62667, CVE-2023-39349, CVE-2026-24791)', async () => {
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

test('a refused session is told which kinds of credentials the route accepts', async () => {
  const rows: [method: string, path: string, kinds: string][] = [
    ['GET', '/v1/guards/revocations', 'an API key'],
    ['POST', '/mcp', 'an access token or an API key'],
  ];
  for (const [method, path, kinds] of rows) {
    const { body } = await owner.call<{ detail: string }>(path, { method });
    assert.equal(body.detail, `This route requires ${kinds}, not a session.`, path);
  }
});

test('HEAD requires a credential wherever GET does', async () => {
  for (const row of ROUTES) {
    if (!row.route.startsWith('GET') || row.access === 'public') continue;
    const path = row.route.slice(4).replace(/:[A-Za-z]+/, 'x');
    assert.equal((await testServer.call(path, { method: 'HEAD' })).status, 401, path);
  }
});

test('a refusal for a missing permission names the required permission', async () => {
  const { secret } = await createKey(owner, ['write', 'delete']);
  const body = new URLSearchParams({ token: 'x' });
  const refused = await testServer.call<{ required: string[] }>('/v1/introspect', { body, headers: bearer(secret) });
  assert.deepEqual(refused.body.required, ['read']);
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="read"/);
});

test('IDs of another workspace get the same response as IDs that do not exist (unlike in CVE-2022-31667)', async () => {
  const eve = await createWorkspaceFor(owner, testServer, 'Second');
  const token = await createToken(eve, ['all']);
  const key = await createKey(eve, ['read']);
  const members = await eve.call<{ data: { id: string }[] }>('/v1/members');
  const invited = await eve.call<{ id: string }>('/v1/invitations', {
    body: { email: 'new@example.com', role: 'member' },
  });
  const memberId = members.body.data[0]?.id ?? '';
  const requests: [method: string, path: string, id: string, body?: unknown][] = [
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
  /** Returns the response as text, without the parts that differ between any two requests. */
  const toComparable = ({ status, text, headers }: TestResponse) => {
    const comparableHeaders = [...headers].filter(
      ([name]) => !/^(date|x-request-id|content-length|connection|keep-alive)$/.test(name),
    );
    return JSON.stringify([status, comparableHeaders, text.replace(/"requestId":"[^"]*"/, '')]);
  };
  for (const [method, path, id, body] of requests) {
    const request = (suffix: string) => owner.call(path + suffix, { method, ...(body !== undefined && { body }) });
    const foreign = await request(id);
    const unknown = await request(id.replace(/_\w{26}/, '_01zzzzzzzzzzzzzzzzzzzzzzzz'));
    assert.equal(foreign.status, 404, `${method} ${path}${id}`);
    assert.equal(toComparable(foreign), toComparable(unknown));
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
test('where the policy requires a second factor, a person without one cannot call the routes that require a role', async () => {
  const strict = await createWorkspaceFor(await turnOnTwoFactor(testServer, owner, now), testServer, 'Strict');
  const admin = await signUpMember(testServer, strict, 'admin', 'joan@example.com');
  const required = await strict.call('/v1/policy', { method: 'PATCH', body: { requireTwoFactor: true } });
  assert.equal(required.status, 200, required.text);
  const headers = { cookie: admin.cookie, origin: testServer.url, 'devpilot-workspace': strict.workspaceId };
  const testPrincipal: TestPrincipal = { name: 'an admin', identity: { kind: 'admin' }, headers };
  const violations: string[] = [];
  for (const row of ROUTES) {
    if (row.access === 'error key' || row.access === 'signature' || (row.isDestructive && row.access === 'person'))
      continue;
    const { status, body } = await send(row, testPrincipal, strict.workspaceId);
    const isRefused = status === 403 && body.code === 'second_factor_needed';
    const needsRole = row.access === 'member' || row.access === 'admin' || row.access === 'owner';
    if (isRefused !== needsRole) violations.push(`${row.route}: ${status} ${body?.code ?? ''}`);
  }
  assert.deepEqual(violations, []);
  const protectedAdmin = await turnOnTwoFactor(testServer, admin, now);
  assert.equal((await protectedAdmin.call('/v1/members')).status, 200);
});
