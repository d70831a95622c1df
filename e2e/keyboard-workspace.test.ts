import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generate } from 'otplib';
import { DAY } from '../src/contract/limits.ts';
import type { Notifications } from '../src/contract/notifications.ts';
import type { Page } from '../src/contract/paging.ts';
import type { Policy } from '../src/contract/policy.ts';
import type { WorkloadIdentity } from '../src/contract/workload-identities.ts';
import {
  bearer,
  createToken,
  PASSWORD,
  signUpMember,
  type TestPerson,
  turnOnTwoFactor,
} from '../src/testing/test-server.ts';
import { startWebhookReceiver } from '../src/testing/webhook-receiver.ts';
import { startWorkloadIssuer } from '../src/testing/workload-issuer.ts';
import { formatDate } from '../src/web/components/format.ts';
import { checkAppearance } from './browser.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { button, closeWithEscape, createKeyboardUser, waitForDialog, waitForFocus } from './keyboard.ts';
import { listItemOf } from './page-actions.ts';
import { createApp, createProject } from './resource-fixtures.ts';

// These tests use the activity log, the menus and the settings of a workspace by keyboard only.
const fixture = setUpBrowserFixture(undefined, { environment: { DEVPILOT_OUTBOUND: 'any' } });

async function open(path: string, person?: TestPerson) {
  const tab = await fixture.open(path, person === undefined ? {} : { person });
  return { tab, keys: createKeyboardUser(tab) };
}

test('the activity log is filtered, opened and exported', async () => {
  const { tab, keys } = await open('/settings/activity-log');
  await keys.tabTo(tab.getByRole('combobox', { name: 'Action' }));
  await keys.type('workspace created');
  await keys.press('ArrowDown', 'Enter');
  await tab.waitForURL(/action=workspace.created/);
  await tab.waitForFunction(() => document.querySelectorAll('main li').length === 1);
  const detailsButton = listItemOf(tab, 'created the workspace').getByRole('button');
  await keys.enter(detailsButton);
  await tab.getByText('Previous hash').waitFor();
  await checkAppearance(tab, 'activity-log-details');
  const [file] = await Promise.all([tab.waitForEvent('download'), keys.choose(button(tab, 'Export'), /^CSV/)]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  await waitForFocus(tab, button(tab, 'Export'));
  await keys.tabTo(tab.getByRole('combobox', { name: 'Time' }));
  await keys.press('ArrowDown');
  await tab.getByRole('listbox').waitFor();
  await checkAppearance(tab, 'activity-log-time');
  await keys.press('Escape');
});

test('Tab stops once at the navigation of the settings, arrow keys move inside it, and a member sees no link to the activity log', async () => {
  const { tab, keys } = await open('/settings');
  const settingsNavigation = tab.getByRole('navigation', { name: 'Settings' });
  const link = (name: string) => settingsNavigation.getByRole('link', { name });
  await keys.enter(tab.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }));
  await tab.waitForURL(/\/settings\/access-tokens/);
  await keys.tabTo(link('Access Tokens'));
  await keys.press('ArrowRight', 'ArrowRight', 'ArrowLeft');
  await waitForFocus(tab, link('API Keys'));
  await keys.press('Enter');
  await tab.getByRole('heading', { name: 'API Keys', level: 1 }).waitFor();
  assert.equal(await settingsNavigation.locator('[aria-current=page]').textContent(), 'API Keys');
  await keys.press('End');
  await waitForFocus(tab, link('Workspace'));
  await keys.press('ArrowRight');
  await waitForFocus(tab, link('Access Tokens'));
  await keys.press('Tab');
  assert.equal(await settingsNavigation.locator(':focus').count(), 0);

  const linus = await signUpMember(fixture.server, fixture.owner, 'member', 'linus@example.com');
  const memberTab = await fixture.open('/settings/activity-log', { person: linus });
  const names = await memberTab.getByRole('navigation', { name: 'Settings' }).getByRole('link').allTextContents();
  assert.deepEqual(names, ['Access Tokens', 'API Keys', 'Workload identities', 'Members', 'Workspace']);
  await createKeyboardUser(memberTab).tabTo(memberTab.getByRole('link', { name: 'Access Tokens' }));
});

test('the command palette opens pages, resources and credentials by name, and lists no pages that the person cannot open', async () => {
  const project = await createProject(fixture.owner, { name: 'Shop' });
  await createApp(fixture.owner, { projectId: project.id, name: 'Shop front' });
  const { id, hint } = await createToken(fixture.owner, ['basic_deployment'], { name: 'Shop pipeline' });
  const { tab, keys } = await open('/settings/members');
  const opener = button(tab, 'Search');
  await keys.tabTo(opener);
  await keys.press('Control+k');
  const palette = await waitForDialog(tab, 'Search', 'palette');
  await closeWithEscape(palette, opener);
  const option = (name: string) => palette.getByRole('option', { name });
  const search = async (text: string) => {
    await keys.press('Control+k');
    await waitForFocus(tab, palette.getByRole('combobox'));
    await keys.type(text);
  };
  const searchShopAndOpen = async (keyBeforeEnter: string) => {
    await search('shop');
    await option('Shop pipeline').waitFor();
    await keys.press(keyBeforeEnter, 'Enter');
    await palette.waitFor({ state: 'detached' });
  };
  await searchShopAndOpen('ArrowUp');
  await tab.getByRole('heading', { name: 'Shop pipeline', level: 1 }).waitFor();
  await searchShopAndOpen('ArrowDown');
  await tab.getByRole('heading', { name: 'Shop front', level: 1 }).waitFor();
  await search('shop');
  await option('Shop pipeline').waitFor();
  assert.deepEqual(await palette.getByRole('group').allTextContents(), [
    'ProjectsShopshop',
    'AppsShop frontshop-front',
    `Access tokensShop pipeline…${hint}`,
  ]);
  await checkAppearance(tab, 'palette-results');
  await keys.press('Escape');
  await search('no such name');
  await palette.getByText('No results.', { exact: false }).waitFor();
  await keys.press('Escape');
  await search('activity log');
  await option('Activity log').waitFor();
  await keys.press('Enter');
  await tab.waitForURL(/\/settings\/activity-log/);

  const mary = await signUpMember(fixture.server, fixture.owner, 'member', 'mary@example.com');
  const memberTab = await fixture.open('/projects', { person: mary });
  await memberTab.keyboard.press('Control+k');
  const names = memberTab.getByRole('dialog', { name: 'Search' }).getByRole('option');
  await names.first().waitFor();
  const hiddenPages = ['Review', 'Activity log', 'Policy', 'Error keys', 'People on this server'];
  assert.deepEqual(
    (await names.allTextContents()).filter((name) => hiddenPages.includes(name)),
    [],
  );
  await fixture.owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' });
});

test('the menus switch the workspace and the theme', async () => {
  await fixture.owner.call('/v1/workspaces', { body: { name: 'Second workspace' } });
  const { tab, keys } = await open('/settings/members?workspace=acme');
  await keys.enter(button(tab, /^Workspace:/));
  await tab.getByRole('menu').waitFor();
  await checkAppearance(tab, 'menu-workspaces');
  await keys.press('Escape');
  await waitForFocus(tab, button(tab, /^Workspace:/));
  await keys.choose(button(tab, /^Workspace:/), 'Second workspace');
  await tab.waitForURL(/workspace=second-workspace/);
  await keys.enter(button(tab, /^Account:/));
  await tab.getByRole('menu').waitFor();
  await checkAppearance(tab, 'menu-account');
  await keys.press('Escape');
  await keys.choose(button(tab, /^Account:/), 'Dark');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'dark');
  await keys.choose(button(tab, /^Account:/), 'System');
  await tab.waitForFunction(() => document.documentElement.dataset['mantineColorScheme'] === 'light');
});

test('the policy is changed after the credentials that would violate it are shown', async () => {
  const { id } = await createToken(fixture.owner, ['all'], { name: 'Old pipeline' });
  const { tab, keys } = await open('/settings/policy?workspace=acme');
  const save = button(tab, 'Save…');
  await keys.tabTo(tab.getByLabel('Maximum lifetime in days'));
  await keys.type('30');
  await keys.tabTo(tab.getByLabel('Applies to existing'));
  await keys.type(formatDate(Date.now() + DAY));
  await keys.toggle(tab.getByLabel('Allow the scope “all”'));
  await keys.enter(save);
  await tab.getByText('Must be at least 7 days ahead').first().waitFor();
  await waitForFocus(tab, tab.getByLabel('Applies to existing'));
  await keys.press('ControlOrMeta+A');
  await keys.type(formatDate(Date.now() + 90 * DAY));
  await keys.enter(save);
  const dialog = await waitForDialog(tab, 'Save policy', 'dialog-policy');
  await dialog.getByText('1 credential would violate this policy.').waitFor();
  const href = await dialog.getByRole('link', { name: 'Old pipeline' }).getAttribute('href');
  assert.match(href ?? '', new RegExp(`^/settings/access-tokens/${id}`));
  await closeWithEscape(dialog, save);
  await keys.press('Enter');
  await keys.enter(button(dialog, 'Save policy'));
  await tab.getByText('Policy saved').waitFor();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await save.isDisabled(), true);
  const { body } = await fixture.owner.call<Policy>('/v1/policy');
  const bindsFrom = new Date(Date.now() + 90 * DAY).setHours(0, 0, 0, 0);
  assert.deepEqual(
    [body.maxLifetimeDays, Date.parse(body.bindsExistingFrom ?? ''), body.allowAll],
    [30, bindsFrom, false],
  );
});

test('a workspace is deleted after its name has been typed', async () => {
  await fixture.owner.call('/v1/workspaces', { body: { name: 'To be deleted' } });
  const { tab, keys } = await open('/settings/workspace?workspace=to-be-deleted');
  const opener = button(tab, 'Delete workspace…');
  await keys.enter(opener);
  const dialog = await waitForDialog(tab, 'Delete workspace', 'dialog-workspace-delete');
  await closeWithEscape(dialog, opener);
  await keys.press('Enter');
  await waitForFocus(tab, dialog.getByRole('textbox'));
  await keys.type('To be deleted');
  await keys.press('Enter');
  await tab.getByText('Workspace To be deleted deleted').waitFor();
});

test('a webhook is created and tested, a message is sent again, the secret is replaced, and the webhook is activated after Devpilot switched it off', async (context) => {
  const receiver = await startWebhookReceiver();
  context.after(() => receiver.close());
  const { tab, keys } = await open('/settings/webhooks?workspace=acme');
  await checkAppearance(tab, 'webhooks-empty');
  await keys.enter(button(tab, 'SIEM or log store'));
  const createDialog = await waitForDialog(tab, 'New webhook', 'dialog-webhook');
  await keys.tabTo(createDialog.getByLabel('URL'));
  await keys.type(receiver.url);
  await keys.toggle(createDialog.getByRole('group', { name: 'Deployments' }).getByLabel('All, including'));
  await keys.enter(button(createDialog, 'Create webhook'));
  const secretDialog = await waitForDialog(tab, 'Webhook created', 'dialog-webhook-secret');
  assert.match((await secretDialog.locator('pre').textContent()) ?? '', /^whsec_/);
  // Escape does not close a dialog with a secret that is shown only once.
  await keys.press('Escape');
  await keys.enter(button(secretDialog, 'I have stored the secret'));
  await secretDialog.waitFor({ state: 'detached' });
  await keys.enter(tab.getByRole('link', { name: 'SIEM or log store' }));
  await keys.enter(button(tab, 'Send test message'));
  await tab.getByText('The receiver accepted the message (204).').waitFor();

  const row = tab.getByRole('row').filter({ hasText: 'webhook.test' });
  await keys.choose(button(row, 'Actions for webhook.test'), 'Details');
  const deliveryDialog = await waitForDialog(tab, 'Delivery of webhook.test', 'dialog-webhook-delivery');
  const messageCount = receiver.messages.length;
  await keys.enter(button(deliveryDialog, 'Send again'));
  await deliveryDialog.waitFor({ state: 'detached' });
  await receiver.waitForMessages(messageCount + 1);
  await keys.enter(button(tab, 'Replace secret…'));
  await keys.enter(button(tab.getByRole('dialog', { name: 'Replace the signing secret' }), 'Replace secret'));
  const replacedDialog = tab.getByRole('dialog', { name: 'Secret replaced' });
  await replacedDialog.getByText('Messages are also signed with the previous secret until').waitFor();
  await keys.enter(button(replacedDialog, 'I have stored the secret'));

  receiver.respond = (response) => response.writeHead(410).end();
  await fixture.owner.call('/v1/projects', { body: { name: 'Not delivered' } });
  const notice = tab.getByRole('alert').filter({ hasText: 'Switched off' });
  await notice.waitFor();
  await checkAppearance(tab, 'webhook-switched-off');
  receiver.respond = (response) => response.writeHead(204).end();
  const messageCountBefore = receiver.messages.length;
  await keys.enter(button(notice, 'Activate'));
  await notice.waitFor({ state: 'detached' });
  await receiver.waitForMessages(messageCountBefore + 1);
});

test('the bell leads to the notices, where a notice is dismissed, restored, snoozed and reopened', async () => {
  for (const message of ['order is undefined', 'cart is empty']) {
    const body = { type: 'TypeError', message, fingerprint: [message] };
    assert.equal((await fixture.owner.call('/v1/errors/events', { body })).status, 201);
  }
  const { tab, keys } = await open('/settings/policy?workspace=acme');
  await keys.enter(tab.getByRole('link', { name: 'Notices: 2 need attention' }));
  await tab.getByRole('heading', { name: 'Notices', level: 1 }).waitFor();
  const row = tab.getByRole('row').filter({ hasText: 'cart is empty' });
  await row.waitFor();
  await checkAppearance(tab, 'notices');
  assert.match((await row.getByRole('link').getAttribute('href')) ?? '', /^\/errors\/.+\?workspace=acme$/);
  const actions = button(row, /^Actions for New error/);
  await keys.choose(actions, 'Dismiss');
  await tab.getByRole('link', { name: 'Notices: 1 needs attention' }).waitFor();
  await tab.getByText('Dismissed: New error').waitFor();
  await keys.press('ControlOrMeta+z');
  await row.waitFor();
  await keys.choose(actions, 'Snooze for 1 week');
  await row.waitFor({ state: 'detached' });
  await tab.goto('/notices?workspace=acme&status=snoozed');
  await tab.getByText('Snoozed until').waitFor();
  await keys.choose(actions, 'Reopen');
  await tab.getByRole('heading', { name: 'No notices' }).waitFor();
  await tab.getByRole('link', { name: 'Notices: 2 need attention' }).waitFor();
});

test('the notice about a deleted token that was used contains its creator, its deletion and the address', async () => {
  // The policy that an earlier test sets allows at most 30 days.
  const expiresAt = new Date(Date.now() + 20 * DAY).toISOString();
  const { id, secret } = await createToken(fixture.owner, ['run_scripts'], { name: 'Deleted token', expiresAt });
  assert.equal((await fixture.owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' })).status, 204);
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(secret) })).status, 401);
  // Reading the activity log first writes the buffered refusals, one of which creates the notice.
  await fixture.owner.call('/v1/audit-events');
  const { tab } = await open('/notices?workspace=acme');
  const row = tab.getByRole('row').filter({ hasText: 'Deleted token' });
  await row.getByText(/Credential created by .+, deleted .+ and used from 127\.0\.0\.1 since/).waitFor();
});

test('the owner chooses how often notices of a kind are sent by email', async () => {
  const { tab, keys } = await open('/account?workspace=acme');
  const section = tab.getByRole('region', { name: 'Email notifications' });
  const frequencySelect = section.getByLabel('Script run failed');
  await keys.tabTo(frequencySelect);
  await frequencySelect.selectOption('immediate');
  await tab.getByText('Email notifications saved').waitFor();
  await checkAppearance(tab, 'account-notifications');
  const { body } = await fixture.owner.call<Notifications>('/v1/me/notifications');
  assert.equal(body.kinds['run.failed'], 'immediate');
});

test('a workload identity is created from the names of a repository and a workflow file, edited, tested and deleted, and shows its last exchanges', async (context) => {
  const issuer = await startWorkloadIssuer();
  context.after(() => issuer.close());
  const { tab, keys } = await open('/settings/workload-identities?workspace=acme');
  await tab.getByText('No workload identities yet').waitFor();
  await checkAppearance(tab, 'workload-identities-empty');
  await keys.enter(button(tab, 'New workload identity'));
  const createDialog = await waitForDialog(tab, 'New workload identity', 'dialog-workload-identity');
  await keys.type('Shop on GitHub');
  await keys.tabTo(createDialog.getByLabel('Repository', { exact: true }));
  await keys.type('acme/shop');
  await keys.tabTo(createDialog.getByLabel('Workflow file'));
  await keys.type('deploy.yml');
  await keys.tabTo(createDialog.getByLabel('Issuer'));
  await keys.type(issuer.url);
  await createDialog.getByText('workflow_ref = acme/shop/.github/workflows/deploy.yml@*').waitFor();
  await keys.toggle(createDialog.getByLabel('basic_deployment'));
  await keys.toggle(createDialog.getByLabel('Only a limited number of requests per period'));
  await keys.tabTo(createDialog.getByLabel('Maximum number of requests'));
  await keys.type('30');
  await checkAppearance(tab, 'dialog-workload-identity-filled');
  await keys.enter(button(createDialog, 'Create workload identity'));
  await tab.getByRole('heading', { name: 'Shop on GitHub', level: 1 }).waitFor();
  await tab.getByText('30 requests per minute').waitFor();
  await keys.enter(button(tab, 'Edit'));
  const editDialog = await waitForDialog(tab, 'Edit Shop on GitHub', 'dialog-workload-identity-edit');
  await keys.toggle(editDialog.getByLabel('Only a limited number of uses'));
  await keys.tabTo(editDialog.getByLabel('Maximum number of uses'));
  await keys.type('500');
  await keys.press('Enter');
  await editDialog.waitFor({ state: 'detached' });
  const { body } = await fixture.owner.call<Page<WorkloadIdentity>>('/v1/workload-identities');
  const { rate, maxUses } = body.data[0]?.restrictions ?? {};
  assert.deepEqual([rate, maxUses], [{ requests: 30, seconds: 60 }, 500]);
  const snippet = (await tab.getByRole('figure', { name: 'Pipeline configuration' }).textContent()) ?? '';
  const [id = ''] = /wid_\w+/.exec(snippet) ?? [];
  assert.match(snippet, /id-token: write/);

  const acceptedClaims = {
    iss: issuer.url,
    aud: fixture.server.url,
    sub: 'repo:acme/shop:ref:refs/heads/main',
    repository: 'acme/shop',
    ref: 'refs/heads/main',
    workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  };
  await keys.tabTo(tab.getByLabel('Token, or its claims as JSON'));
  await tab.keyboard.insertText(JSON.stringify({ ...acceptedClaims, ref: 'refs/heads/dev' }));
  await keys.enter(button(tab, 'Test claims'));
  await tab.getByText('must be "refs/heads/main", but it is "refs/heads/dev"').waitFor();
  const exp = Math.floor(Date.now() / 1000) + 300;
  for (const subjectClaims of [acceptedClaims, { ...acceptedClaims, repository: 'mallory/shop' }]) {
    await fixture.server.call('/v1/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: await issuer.sign({ ...subjectClaims, exp }),
        resource: id,
      }),
    });
  }
  await tab.getByText('Refused: repository').waitFor();
  await checkAppearance(tab, 'workload-identity');
  const tokenLink = tab.getByRole('list', { name: 'Last exchanges' }).getByRole('link', { name: 'Access token' });
  await keys.enter(tokenLink);
  await tab.getByText('for a workload identity').waitFor();

  const tokensTab = await fixture.open('/settings/access-tokens?workspace=acme&origin=workload');
  await tokensTab.getByText('for a workload', { exact: true }).waitFor();
  await checkAppearance(tokensTab, 'access-tokens-of-workloads');
  const identitiesTab = await fixture.open('/settings/workload-identities?workspace=acme');
  await identitiesTab.getByRole('link', { name: 'Shop on GitHub' }).waitFor();
  await checkAppearance(identitiesTab, 'workload-identities');
  const identitiesKeys = createKeyboardUser(identitiesTab);
  await identitiesKeys.choose(button(identitiesTab, 'Actions for Shop on GitHub'), 'Delete…');
  const deleteDialog = identitiesTab.getByRole('dialog', { name: 'Delete workload identity' });
  await identitiesKeys.enter(button(deleteDialog, 'Delete'));
  await identitiesTab.getByText('No workload identities yet').waitFor();
});

// Last, because it ends the owner's session, which the other tests use.
test('a person without the required second factor is led to the page that sets it up, and then back', async () => {
  const owner = await turnOnTwoFactor(fixture.server, fixture.owner, Date.now());
  const grace = await signUpMember(fixture.server, owner, 'admin', 'grace@example.com');
  const { tab, keys } = await open('/settings/workspace?workspace=acme', grace);
  await keys.tabTo(tab.getByLabel('Name', { exact: true }));
  await keys.type('Acme Tools');
  await owner.call('/v1/policy', { method: 'PATCH', body: { requireTwoFactor: true } });
  await keys.press('Enter');
  await tab.getByText('This workspace now requires two-factor authentication.', { exact: false }).waitFor();
  const link = await tab.getByRole('link', { name: 'Turn it on' }).getAttribute('href');
  assert.equal(link, `/account?from=${encodeURIComponent('/settings/workspace?workspace=acme')}`);

  await tab.goto('/settings/members?workspace=acme');
  await tab.getByRole('heading', { name: 'Two-factor authentication is required' }).waitFor();
  await checkAppearance(tab, 'second-factor-needed');
  await keys.enter(button(tab, 'Check again'));
  await keys.enter(button(tab, 'Set up two-factor authentication'));
  await tab.getByText('Turn on two-factor authentication here.', { exact: false }).waitFor();
  await checkAppearance(tab, 'second-factor-account');
  await keys.enter(button(tab, 'Turn on'));
  await keys.tabTo(tab.getByLabel('Your password', { exact: true }));
  await keys.type(PASSWORD);
  await keys.press('Enter');
  const secret = ((await tab.getByTestId('totp-key').textContent()) ?? '').replace(/\s/g, '');
  await keys.tabTo(tab.getByLabel('Code', { exact: true }));
  await keys.type(await generate({ secret }));
  await keys.press('Enter');
  await keys.toggle(tab.getByLabel('I have stored the recovery codes'));
  await keys.enter(button(tab, 'Done'));
  await tab.waitForURL(/\/settings\/members/);
  await tab.getByRole('row').filter({ hasText: 'grace@example.com' }).waitFor();
});
