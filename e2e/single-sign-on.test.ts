import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { CreatedInvitation } from '../src/contract/invitations.ts';
import { singleSignOnSettings } from '../src/testing/fake-oidc-provider.ts';
import { freePort } from '../src/testing/postgres.ts';
import { startRealOidcProvider } from '../src/testing/real-oidc-provider.ts';
import { PASSWORD, signUpMember } from '../src/testing/test-server.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { signIn } from './page-actions.ts';
import { checkPages } from './page-checks.ts';

const port = await freePort();
const provider = await startRealOidcProvider(`http://127.0.0.1:${port}`);
const fixture = setUpBrowserFixture(async () => {}, {
  environment: { ...singleSignOnSettings(provider), PORT: String(port) },
  allowedOrigins: [provider.url],
});
after(() => provider.close());

/** Signs in at the provider as this user. */
async function signInAtProvider(tab: Page, user: string): Promise<void> {
  await tab.getByLabel('User').fill(user);
  await tab.getByRole('button', { name: 'Sign in at the provider' }).click();
}

test('an invited person signs up with the provider, and a group at the provider makes them an admin at the next sign-in', async () => {
  const invited = await fixture.owner.call<CreatedInvitation>('/v1/invitations', {
    body: { email: 'grace@example.com', role: 'member' },
  });
  const tab = await fixture.open(`/accept-invitation#${invited.body.code}`, { person: null });
  await tab.getByRole('button', { name: 'Continue with Acme SSO' }).click();
  await signInAtProvider(tab, 'grace');
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();

  const ownerTab = await fixture.open('/settings/workspace');
  await ownerTab.getByRole('button', { name: 'Set up' }).click();
  await ownerTab.getByLabel('Group', { exact: true }).fill('leads');
  await ownerTab.getByLabel('Role').selectOption('Admin');
  await ownerTab.getByRole('button', { name: 'Save', exact: true }).last().click();
  await ownerTab.getByText('Groups saved').waitFor();
  provider.groups.push('leads');
  await tab.goto('/sign-in?from=%2Fsettings%2Fpolicy');
  await tab.getByRole('button', { name: 'Sign in with Acme SSO' }).click();
  await tab.getByRole('heading', { name: 'Policy' }).waitFor();

  await tab.goto(`${provider.url}/session/end`);
  await tab.getByRole('button', { name: 'Sign out' }).click();
  await tab.getByText('Signed out').waitFor();
  await tab.goto(`${fixture.server.origin}/account`);
  await tab.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('a person links an account at the provider, reauthenticates with it, and unlinks it', async () => {
  await signUpMember(fixture.server, fixture.owner, 'member', 'linda@example.com');
  const tab = await fixture.open('/sign-in', { person: null });
  await tab.getByRole('button', { name: 'Sign in with Acme SSO' }).click();
  await signInAtProvider(tab, 'linda');
  await tab.getByText('You already have an account here.', { exact: false }).waitFor();
  await signIn(tab, 'linda@example.com');
  await tab.getByRole('heading', { name: 'Access Tokens', exact: true }).waitFor();
  await tab.goto('/account');
  await tab.getByRole('button', { name: 'Link account' }).click();
  await tab.getByLabel('Your password').fill(PASSWORD);
  await tab.getByRole('button', { name: 'Continue', exact: true }).click();
  const unlink = tab.getByRole('button', { name: 'Unlink linda@example.com' });
  await unlink.click();
  await tab.getByRole('button', { name: 'Confirm with Acme SSO' }).click();
  await signInAtProvider(tab, 'linda');
  await unlink.click();
  await tab.getByRole('button', { name: 'Continue without a password' }).click();
  await tab.getByText('Account unlinked').waitFor();
  assert.equal(await unlink.count(), 0);
});

checkPages(fixture, [
  { name: 'sign-in-sso', path: '/sign-in?problem=unavailable', person: () => null },
  { name: 'workspace-sso', path: '/settings/workspace' },
]);
