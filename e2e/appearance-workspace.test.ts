import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY } from '../src/contract/limits.ts';
import { formatDate } from '../src/web/components/format.ts';
import { saveScreenshotIfEnabled } from './browser.ts';
import { listItemOf } from './page-actions.ts';
import { checkWorkspacePages, clickButton, LOG_PATH, setUpSettingsFixture, TOKENS_PATH } from './settings-fixture.ts';

const POLICY = '/settings/policy';
const settings = setUpSettingsFixture();
const asMember = () => settings.member;

checkWorkspacePages(settings.fixture, [
  { name: 'log', path: LOG_PATH },
  {
    name: 'log-details',
    path: LOG_PATH,
    prepare: (tab) => listItemOf(tab, 'changed the permissions').getByRole('button').click(),
  },
  { name: 'log-export', path: LOG_PATH, prepare: clickButton('Export') },
  {
    name: 'log-range',
    path: LOG_PATH,
    async prepare(tab) {
      await tab.getByRole('combobox', { name: 'Time' }).click();
      await tab.getByRole('option', { name: 'Custom range' }).click();
      await tab.getByLabel('To (exclusive)').fill('2020-01-01T00:00');
      await tab.getByRole('heading', { name: 'No results' }).waitFor();
    },
  },
  { name: 'log-as-member', path: LOG_PATH, person: asMember },
  { name: 'policy', path: POLICY, prepare: (tab) => tab.getByLabel('Maximum lifetime in days').waitFor() },
  {
    name: 'policy-dry-run',
    path: POLICY,
    async prepare(tab) {
      await tab.getByLabel('Maximum lifetime in days').fill('30');
      await tab.getByLabel('Applies to existing').fill(formatDate(Date.now() + 60 * DAY));
      await tab.getByLabel('modify_env').check();
      await tab.getByLabel('Allow the scope “all”').uncheck({ force: true });
      await tab.getByLabel('When a secret is reported').selectOption('notify');
      await tab.getByLabel('Prefixes of other systems').fill('acme_live_\nwidgets-');
      await tab.getByRole('button', { name: 'Save…' }).click();
      await tab.getByText('5 credentials would violate this policy.').waitFor();
    },
  },
  { name: 'policy-as-admin', path: POLICY, person: () => settings.admin },
  { name: 'policy-as-member', path: POLICY, person: asMember },
  { name: 'workspace', path: '/settings/workspace' },
  { name: 'workspace-as-member', path: '/settings/workspace', person: asMember },
  { name: 'workspace-not-found', path: `${TOKENS_PATH}?workspace=no-such-workspace` },
  { name: 'workspace-create', path: '/?create=workspace' },
]);

test('on a narrow screen the navigation opens from a button and closes after a choice', async () => {
  const tab = await settings.fixture.open('/settings/members', { width: 360 });
  await tab.getByRole('button', { name: 'Open navigation' }).click();
  await tab.getByRole('link', { name: 'Projects' }).waitFor();
  await saveScreenshotIfEnabled(tab, 'navigation-light-360');
  await tab.getByRole('link', { name: 'Projects' }).click();
  await tab.getByRole('heading', { name: 'Projects', exact: true }).waitFor();
  await tab.getByRole('link', { name: 'Projects' }).waitFor({ state: 'hidden' });
});

test('on the narrowest phone, every section of the settings can be reached, and the link to the current one is visible', async () => {
  const tab = await settings.fixture.open(TOKENS_PATH, { width: 320 });
  const settingsNavigation = tab.getByRole('navigation', { name: 'Settings' });
  for (const name of [
    'API Keys',
    'Workload identities',
    'Members',
    'Review',
    'Activity log',
    'Policy',
    'Webhooks',
    'Workspace',
    'Access Tokens',
  ]) {
    await settingsNavigation.getByRole('link', { name }).click();
    await tab.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
    const currentLink = settingsNavigation.locator('[aria-current=page]', { hasText: name });
    const { x, width } = (await currentLink.boundingBox()) ?? { x: -1, width: 0 };
    assert.ok(x >= 0 && x + width <= 320, `${name} is visible`);
  }
});
