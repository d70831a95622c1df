import type { Page } from 'playwright-core';
import { bearer, createKey, createToken, signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { type BrowserFixture, setUpBrowserFixture } from './browser-fixture.ts';
import { checkPages, type PageCheck } from './page-checks.ts';

export const TOKENS_PATH = '/settings/access-tokens';
export const LOG_PATH = '/settings/activity-log';

/** A workspace with content on each of its settings pages. */
export interface SettingsFixture {
  readonly fixture: BrowserFixture;
  readonly member: TestPerson;
  readonly admin: TestPerson;
  /** The ID of a token that has been used. */
  readonly tokenId: string;
  /** The ID of a key that has been edited. */
  readonly keyId: string;
}

/** Sets up the fixture of a test file that checks the appearance of settings pages; see `setUpBrowserFixture`. */
export function setUpSettingsFixture(): SettingsFixture {
  let member: TestPerson | undefined;
  let admin: TestPerson | undefined;
  let tokenId = '';
  let keyId = '';
  const fixture = setUpBrowserFixture(async ({ server, owner }) => {
    member = await signUpMember(server, owner, 'member', 'linus@example.com');
    admin = await signUpMember(server, owner, 'admin', 'a.rather.long.address.of.somebody@engineering.example.com');
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const usedToken = await createToken(owner, ['basic_deployment', 'advanced_deployment'], {
      name: 'CI/CD Pipeline',
      expiresAt: inDays(6),
    });
    tokenId = usedToken.id;
    for (let uses = 0; uses < 3; uses++) await server.call('/v1/whoami', { headers: bearer(usedToken.secret) });
    await server.call('/v1/authorize?scope=run_scripts', { headers: bearer(usedToken.secret) });
    await createToken(owner, ['all'], { name: 'Deployment Automation' });
    await createToken(
      owner,
      ['error_tracker', 'activity_tracker', 'activity_tracker_analytics', 'run_scripts', 'modify_env'],
      {
        name: 'Monitoring Script',
        passphrase: 'correct horse battery staple',
        expiresAt: inDays(80),
      },
    );
    const editedKey = await createKey(owner, ['read', 'deploy', 'view_logs', 'manage_apps', 'write'], {
      name: 'Billing service',
      description: 'Reads what the billing service needs every night, and nothing else.',
    });
    keyId = editedKey.id;
    const oldKey = await createKey(owner, ['read'], { name: 'Old importer', active: false });
    await createKey(owner, ['read'], { name: 'New importer', replaces: oldKey.id });
    await owner.call(`/v1/api-keys/${keyId}`, { method: 'PATCH', body: { permissions: ['read', 'deploy'] } });
    await owner.call('/v1/invitations', { body: { email: 'grace@example.com', role: 'admin' } });
    await owner.call('/v1/workspaces', { body: { name: 'Empty workspace' } });
  });
  return {
    fixture,
    get member() {
      if (member === undefined) throw new Error('The fixture is not ready before the tests start.');
      return member;
    },
    get admin() {
      if (admin === undefined) throw new Error('The fixture is not ready before the tests start.');
      return admin;
    },
    get tokenId() {
      return tokenId;
    },
    get keyId() {
      return keyId;
    },
  };
}

/** Returns a path with the workspace Acme, if it is a settings path that names no workspace. */
export function inWorkspace(path: string): string {
  if (!path.startsWith('/settings') || path.includes('workspace=')) return path;
  return `${path}${path.includes('?') ? '&' : '?'}workspace=acme`;
}

/** Declares one appearance test per page of the workspace Acme. */
export function checkWorkspacePages(fixture: BrowserFixture, checks: readonly PageCheck[]): void {
  checkPages(
    fixture,
    checks.map(({ path, ...check }) => ({
      ...check,
      path: () => inWorkspace(typeof path === 'string' ? path : path()),
    })),
  );
}

export const clickButton = (name: string | RegExp) => (tab: Page) => tab.getByRole('button', { name }).click();
