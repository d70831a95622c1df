import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import type { AccessToken } from '../src/contract/access-tokens.ts';
import type { CountedPage } from '../src/contract/paging.ts';
import {
  bearer,
  createToken,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
} from '../src/testing/test-server.ts';
import { checkAppearance, openTab, readAndClearClipboard } from './browser.ts';
import { secureContextOnly, setUpBrowserFixture, waitUntilLoaded } from './browser-fixture.ts';
import { waitForFocus } from './keyboard.ts';
import { rowOf, signIn } from './page-actions.ts';
import { findSecretInTab } from './secret-leftovers.ts';

// The tests run in order: later ones use tokens that earlier ones created, such as the token Everything.
const fixture = setUpBrowserFixture();

const openTokens = (search = '', person?: TestPerson): Promise<Page> =>
  fixture.open(`/settings/access-tokens${search}`, person === undefined ? {} : { person });

async function requireToken(name: string): Promise<AccessToken> {
  const { body } = await fixture.owner.call<{ data: AccessToken[] }>(`/v1/access-tokens?q=${encodeURIComponent(name)}`);
  const [token] = body.data;
  assert.ok(token, `there is a token ${name}`);
  return token;
}

describe('Generate Token', () => {
  test('an empty page explains what a token is and offers to generate one', secureContextOnly, async () => {
    const tab = await openTokens();
    await tab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
    await tab.getByRole('button', { name: 'Generate Token' }).click();
    await tab.getByRole('dialog', { name: 'Generate Token' }).waitFor();
  });

  test('shows errors at their fields and focuses the first invalid field', secureContextOnly, async () => {
    const tab = await openTokens();
    await tab.getByRole('button', { name: 'Generate Token' }).click();
    const dialog = tab.getByRole('dialog');
    await dialog.getByLabel('Name').fill('ab');
    await dialog.getByLabel('Passphrase (optional)').fill('1234567');
    await dialog.getByRole('button', { name: 'Generate Token' }).click();
    await dialog.getByText('A name must be 3 to 255 characters').waitFor();
    await dialog.getByText('Choose at least one scope').waitFor();
    await dialog.getByText('A passphrase must be 8 to 255 characters').waitFor();
    await waitForFocus(tab, dialog.getByLabel('Name'));
  });

  test('shows the secret once, in a dialog that does not close by accident, and then keeps no copy of it', async () => {
    const tab = await openTokens();
    await tab.getByRole('link', { name: 'API Keys' }).click();
    await tab.getByRole('heading', { name: 'API Keys', level: 1 }).waitFor();
    await tab.getByRole('link', { name: 'Access Tokens' }).click();
    await tab.getByRole('button', { name: 'Generate Token' }).click();
    const form = tab.getByRole('dialog', { name: 'Generate Token' });
    await form.getByLabel('Name').fill('Release pipeline');
    await form.getByLabel('basic_deployment').check();
    await form.getByLabel('activity_tracker_analytics').check();
    await form.getByRole('button', { name: 'Suggest a passphrase' }).click();
    const passphrase = await form.getByLabel('Passphrase (optional)').inputValue();
    assert.match(passphrase, /^(?:[a-zA-Z2-9]{5}-){4}[a-zA-Z2-9]{5}$/);
    await form.getByText('Strong', { exact: true }).waitFor();
    await form.getByLabel('Expiry').selectOption('30');
    const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
    const lastDay = dateFormat.format(new Date(Date.now() + 30 * 86_400_000));
    await form.getByText(`Can deploy and read analytics until ${lastDay}; passphrase required.`).waitFor();
    await form.getByRole('button', { name: 'Generate Token' }).click();

    const secretDialog = tab.getByRole('dialog', { name: 'Your new access token' });
    const secret = (await secretDialog.getByTestId('secret').textContent()) ?? '';
    assert.match(secret, /^workspace_token_[0-9A-Za-z]{46}$/);
    await tab.keyboard.press('Escape');
    await tab.mouse.click(5, 5);
    await secretDialog.getByRole('button', { name: 'Copy secret' }).click();
    await secretDialog.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await readAndClearClipboard(tab, fixture.server), secret);
    const command = (await secretDialog.getByText(`curl ${fixture.server.origin}/v1/whoami`).textContent()) ?? '';
    assert.ok(!command.includes(secret), 'the secret stays out of the shell history');
    await secretDialog.getByRole('button', { name: 'Copy command' }).click();
    assert.equal(await readAndClearClipboard(tab, fixture.server), command);

    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      secretDialog.getByRole('button', { name: 'Download as .env' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'devpilot-token.env');
    const fileContent = await readFile(await download.path(), 'utf8');
    assert.ok(fileContent.includes(`DEVPILOT_TOKEN=${secret}\nDEVPILOT_PASSPHRASE=${passphrase}\n`));
    assert.equal(await secretDialog.getByTestId('passphrase').textContent(), passphrase);
    // Only the test browser resolves the host name of the page, so curl connects to 127.0.0.1 instead.
    const curl = promisify(execFile)('bash', ['-c', `${command} --silent --connect-to ::127.0.0.1:`]);
    curl.child.stdin?.end(`${secret}\n${passphrase}\n`);
    assert.match((await curl).stdout, /"access_token"/);
    await secretDialog.getByRole('button', { name: 'Copy passphrase' }).click();
    assert.equal(await readAndClearClipboard(tab, fixture.server), passphrase);

    await tab.goBack();
    const confirmDialog = tab.getByRole('dialog', { name: 'Leave this page?' });
    await confirmDialog.getByText('the secret and its passphrase', { exact: false }).waitFor();
    await confirmDialog.getByRole('button', { name: 'Cancel' }).click();
    const promptShown = tab.waitForEvent('dialog');
    void tab.reload().catch(() => null);
    const prompt = await promptShown;
    assert.equal(prompt.type(), 'beforeunload');
    await prompt.dismiss();
    assert.equal(await secretDialog.getByTestId('secret').textContent(), secret);

    const headers = { ...bearer(secret), 'access-token-passphrase': passphrase };
    assert.equal((await fixture.server.call('/v1/whoami', { headers })).status, 200);

    await secretDialog.getByRole('button', { name: 'I have stored it' }).click();
    await secretDialog.waitFor({ state: 'detached' });
    await rowOf(tab, 'Release pipeline').waitFor();
    assert.deepEqual(await findSecretInTab(tab, secret), []);
    assert.deepEqual(await findSecretInTab(tab, passphrase), []);
    await tab.goBack().catch(() => null);
    await tab.goForward().catch(() => null);
    assert.deepEqual(await findSecretInTab(tab, secret), []);
  });

  test(
    'the scope "all" includes the other scopes, and choosing no expiry shows a warning',
    secureContextOnly,
    async () => {
      const tab = await openTokens();
      await tab.getByRole('button', { name: 'Generate Token' }).click();
      const form = tab.getByRole('dialog');
      await form.getByLabel('run_scripts').check();
      await form.getByLabel('all', { exact: true }).check();
      assert.equal(await form.getByLabel('run_scripts').isDisabled(), true);
      assert.equal(await form.getByLabel('modify_env').isChecked(), true);
      await form.getByLabel('Expiry').selectOption('never');
      await form.getByText('Non-expiring tokens pose a greater security risk.').waitFor();
      await form.getByText('Can do everything an access token can, and never expires.').waitFor();
      await form.getByLabel('Name').fill('Everything');
      await form.getByRole('button', { name: 'Generate Token' }).click();
      await tab.getByRole('button', { name: 'I have stored it' }).click();
      assert.deepEqual((await requireToken('Everything')).scopes, ['all']);
    },
  );

  test('the forms for tokens and keys fit a laptop screen; the footer of the token form never covers the focused field on a phone, and a preset submits nothing', async () => {
    const tab = await openTokens();
    await tab.setViewportSize({ width: 1440, height: 900 });
    for (const [path, buttonName] of [
      ['/settings/api-keys', 'Generate API Key'],
      ['/settings/access-tokens', 'Generate Token'],
    ] as const) {
      await tab.goto(path);
      await tab.getByRole('button', { name: buttonName }).click();
      const dialog = tab.getByRole('dialog', { name: buttonName });
      await waitForFocus(tab, dialog.getByLabel('Name'));
      assert.deepEqual(await dialog.evaluate((element) => element.scrollHeight - element.clientHeight), 0, path);
    }
    const form = tab.getByRole('dialog', { name: 'Generate Token' });
    await form.getByRole('button', { name: 'Deploy pipeline' }).click();
    await form.getByText(/^Can deploy until \d/).waitFor();
    assert.equal(await form.getByLabel('Name').inputValue(), 'Deploy pipeline');
    await form.getByLabel('Only a limited number of uses').check();
    await form.getByText(/; no valid maximum number of uses entered yet\.$/).waitFor();
    await tab.setViewportSize({ width: 360, height: 740 });
    await form.getByLabel('Name').focus();
    while (!(await form.getByRole('button', { name: 'Cancel' }).evaluate((element) => element.matches(':focus')))) {
      assert.equal(
        await tab.evaluate(() => {
          const { left, right, bottom } = document.activeElement?.getBoundingClientRect() ?? new DOMRect();
          const footer = document.querySelector('[data-testid=summary]')?.parentElement?.parentElement?.parentElement;
          return bottom <= (footer?.getBoundingClientRect().top ?? 0) && right > left;
        }),
        true,
        await tab.evaluate(() => document.activeElement?.outerHTML ?? ''),
      );
      await tab.keyboard.press('Tab');
    }
    const { body } = await fixture.owner.call<{ data: unknown[] }>('/v1/access-tokens?q=deploy+pipeline');
    assert.equal(body.data.length, 0);
  });

  test('a replacement token can be restricted to an app and a number of uses, and its form suggests the address that the old token was used from', async () => {
    const project = await fixture.owner.call<{ id: string }>('/v1/projects', { body: { name: 'Online shop' } });
    const app = await fixture.owner.call<{ id: string }>('/v1/apps', {
      body: { name: 'Checkout', projectId: project.body.id, repository: 'https://git.example.com/checkout.git' },
    });
    const usedToken = await createToken(fixture.owner, ['run_scripts'], { name: 'Used here' });
    await fixture.server.call('/v1/whoami', { headers: bearer(usedToken.secret) });
    const tab = await fixture.open(`/settings/access-tokens/${usedToken.id}`);
    await tab.getByRole('button', { name: 'Restrict to this address' }).click();
    const form = tab.getByRole('dialog', { name: 'Replace Used here' });
    assert.match(await form.getByLabel('Addresses', { exact: true }).inputValue(), /^(?:127\.0\.0\.1|::1)$/);
    await form.getByLabel('Only on certain projects and apps').check();
    const resources = form.getByRole('combobox', { name: 'Projects and apps' });
    await resources.fill('check');
    await tab.getByRole('option', { name: 'Checkout' }).click();
    await resources.press('ArrowDown');
    await tab.getByRole('option', { name: 'Online shop' }).waitFor();
    await resources.press('Escape');
    await tab.getByRole('option', { name: 'Online shop' }).waitFor({ state: 'detached' });
    await form.getByText(/; only on Checkout\.$/).waitFor();
    await form.getByLabel('Only a limited number of uses').check();
    await form.getByLabel('Maximum number of uses').fill('1500');
    await form.getByLabel('Only a limited number of requests per period').check();
    await form.getByLabel('Maximum number of requests').fill('100');
    await form.getByLabel('Period', { exact: true }).selectOption({ label: 'per hour' });
    await checkAppearance(tab, 'token-form-restricted');
    await form.getByRole('button', { name: 'Create replacement' }).click();
    await tab.getByTestId('secret').waitFor();
    const { body } = await fixture.owner.call<{ data: AccessToken[] }>('/v1/access-tokens?q=used+here');
    const { addresses: _, ...restrictions } = body.data[0]?.restrictions ?? {};
    assert.deepEqual(restrictions, {
      projects: [],
      apps: [app.body.id],
      rate: { requests: 100, seconds: 3600 },
      maxUses: 1500,
    });
  });

  test('a link fills in the form, even if the person must sign in first, and submits nothing', async () => {
    const link = '/settings/access-tokens?new&name=Nightly+reports&scopes=run_scripts,nonsense&expires=30d';
    const tab = await fixture.open(link, { person: null });
    await signIn(tab, 'ada@example.com');
    const form = tab.getByRole('dialog', { name: 'Generate Token' });
    await form.getByText('A link filled in this form.', { exact: false }).waitFor();
    await form
      .getByText('These values in the link are not valid and were ignored: the scope nonsense.', { exact: false })
      .waitFor();
    await form.getByText(/^Can run scripts until \d/).waitFor();
    assert.equal(await form.getByLabel('Name').inputValue(), 'Nightly reports');
    assert.equal(await form.getByLabel('run_scripts').isChecked(), true);
    await tab.keyboard.press('Escape');
    await form.waitFor({ state: 'detached' });
    await tab.waitForURL((url) => !/new|name|scopes|expires/.test(url.search));
    await tab.reload();
    await waitUntilLoaded(tab);
    assert.equal(await form.count(), 0);
    const { body } = await fixture.owner.call<{ data: unknown[] }>('/v1/access-tokens?q=nightly');
    assert.equal(body.data.length, 0);
  });

  test('the form is opened, filled in and submitted with the keyboard', secureContextOnly, async () => {
    const tab = await openTokens();
    await tab.getByRole('button', { name: 'Generate Token' }).focus();
    await tab.keyboard.press('Enter');
    await tab.getByRole('dialog').waitFor();
    await waitForFocus(tab, tab.getByRole('dialog').getByLabel('Name'));
    await tab.keyboard.type('By keyboard');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Space');
    await tab.keyboard.press('Enter');
    await tab.getByTestId('secret').waitFor();
    await tab.getByRole('button', { name: 'I have stored it' }).focus();
    await tab.keyboard.press('Enter');
    await rowOf(tab, 'By keyboard').waitFor();
    assert.deepEqual((await requireToken('By keyboard')).scopes, ['basic_deployment']);
  });

  test('if the response to the creation of a token is lost, only one token is created, and the page says what happened', async () => {
    const tab = await openTokens();
    await tab.getByRole('button', { name: 'Generate Token' }).click();
    const form = tab.getByRole('dialog');
    await form.getByLabel('Name').fill('Lost on the way');
    await form.getByLabel('run_scripts').check();
    await tab.route('**/v1/access-tokens', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      // The server receives the request, but the page does not receive the response.
      await route.fetch({ url: `${fixture.server.url}/v1/access-tokens` });
      return route.abort();
    });
    await form.getByRole('button', { name: 'Generate Token' }).click();
    await form.getByText('nothing will be created twice').waitFor();
    await tab.unroute('**/v1/access-tokens');
    await form.getByRole('button', { name: 'Generate Token' }).click();
    await form.getByText('the response with its secret was lost').waitFor();
    const { body } = await fixture.owner.call<{ data: unknown[] }>('/v1/access-tokens?q=lost');
    assert.equal(body.data.length, 1);
  });
});

describe('The table', () => {
  test('searches, filters and sorts, with the state in the URL', secureContextOnly, async () => {
    await createToken(fixture.owner, ['error_tracker'], { name: 'Filter one' });
    const usedToken = await createToken(fixture.owner, ['run_scripts'], { name: 'Filter two' });
    for (let use = 0; use < 3; use++) await fixture.server.call('/v1/whoami', { headers: bearer(usedToken.secret) });
    const tab = await openTokens();
    await tab.getByRole('searchbox').fill('filter');
    await rowOf(tab, 'Everything').waitFor({ state: 'detached' });
    await tab.waitForURL(/[?&]q=filter/);
    await tab.getByLabel('Scope', { exact: true }).selectOption('error_tracker');
    await rowOf(tab, 'Filter two').waitFor({ state: 'detached' });
    await tab.reload();
    await rowOf(tab, 'Filter one').waitFor();
    assert.equal(await tab.getByRole('searchbox').inputValue(), 'filter');
    await tab.getByRole('button', { name: 'Clear filters' }).click();
    await tab.getByRole('button', { name: 'Uses' }).click();
    await tab.waitForFunction(() => document.querySelector('tbody tr')?.textContent?.includes('Filter two'));
    assert.equal(new URL(tab.url()).searchParams.get('sort'), '-useCount');
    assert.equal(await tab.getByRole('columnheader', { name: 'Uses' }).getAttribute('aria-sort'), 'descending');
    await tab.getByLabel('Status', { exact: true }).selectOption('expired');
    await tab.getByRole('heading', { name: 'No results' }).waitFor();
  });

  test(
    'the summary above the list counts all tokens, and the tokens to review by reason; each reason filters the list',
    secureContextOnly,
    async () => {
      const expiresAt = new Date(Date.now() + 3 * 86_400_000).toISOString();
      await createToken(fixture.owner, ['error_tracker'], { name: 'Expires soon', expiresAt });
      const { body } = await fixture.owner.call<CountedPage<AccessToken>>('/v1/access-tokens');
      const tab = await openTokens();
      await tab.getByText(`${body.total} access tokens`).waitFor();
      const review = tab.getByRole('list', { name: 'To review' });
      await review.getByRole('link', { name: '1 holds all scopes' }).click();
      await tab.waitForURL(/[?&]right=all/);
      await rowOf(tab, 'Expires soon').waitFor({ state: 'detached' });
      await rowOf(tab, 'Everything').waitFor();
      await tab.getByText('1 result', { exact: true }).waitFor();
      await review.getByRole('link', { name: '1 expires within 7 days' }).click();
      await rowOf(tab, 'Expires soon').waitFor();
      assert.equal(await tab.getByRole('row').count(), 2);
      assert.equal(await review.getByRole('link', { name: '7 days' }).getAttribute('aria-current'), 'page');
      assert.equal(await tab.getByLabel('Expiry', { exact: true }).inputValue(), '7');
      const neverExpiring = body.data.filter((token) => token.expiresAt === null);
      await review.getByRole('link', { name: `${neverExpiring.length} never expire` }).click();
      await rowOf(tab, 'Everything').waitFor();
      assert.equal(await tab.getByRole('row').count(), 1 + neverExpiring.length);

      await tab.goto('/settings/api-keys');
      await tab.getByRole('heading', { name: 'No API keys yet' }).waitFor();
      assert.equal(await review.count(), 0);
    },
  );

  test('pages by cursor, forwards and backwards', secureContextOnly, async () => {
    const serverWithManyTokens = await startTestServer();
    try {
      const bob = await signUpOwner(serverWithManyTokens, 'bob@example.com', 'Many');
      const names = Array.from({ length: 60 }, (_, index) => `Token ${String(index).padStart(3, '0')}`);
      await Promise.all(names.map((name) => createToken(bob, ['run_scripts'], { name })));
      const tab = await openTab(fixture.browser, serverWithManyTokens, { person: bob });
      await tab.goto('/settings/access-tokens?sort=name');
      await rowOf(tab, 'Token 049').waitFor();
      await tab.getByRole('button', { name: 'Next' }).click();
      await rowOf(tab, 'Token 059').waitFor();
      assert.equal(await tab.getByRole('row').count(), 11);
      assert.ok(new URL(tab.url()).searchParams.get('cursor'));
      await tab.getByRole('button', { name: 'Previous' }).click();
      await rowOf(tab, 'Token 000').waitFor();
      await tab.goBack();
      await rowOf(tab, 'Token 059').waitFor();
    } finally {
      await serverWithManyTokens.close();
    }
  });

  test('long and right-to-left names fit, no scope wraps, no cell is too tall, and the printed page contains only the list', async () => {
    const longName = `${'W'.repeat(251)} end`;
    await createToken(fixture.owner, ['activity_tracker_analytics', 'advanced_deployment'], { name: longName });
    const scopes = ['basic_deployment', 'run_scripts', 'activity_tracker', 'modify_env'] as const;
    await createToken(fixture.owner, [...scopes], { name: 'مفتاح النشر (prod) رقم 2' });
    const tab = await openTokens();
    await rowOf(tab, 'مفتاح').waitFor();
    for (const width of [1440, 1280, 1150, 960, 768, 360]) {
      await tab.setViewportSize({ width, height: 800 });
      // The table becomes a list of cards shortly after the resize.
      await tab.waitForFunction(() => {
        const frame = document.querySelector('table')?.parentElement;
        return frame != null && frame.scrollWidth <= frame.clientWidth;
      });
      const { tags, cells } = await tab.evaluate(() => ({
        tags: [...document.querySelectorAll<HTMLElement>('tbody .tag')].map((tag) => tag.offsetHeight),
        cells: [...document.querySelectorAll<HTMLElement>('tbody td')].map((cell) => cell.offsetHeight),
      }));
      assert.ok(Math.max(...tags) < 30, `no scope wraps at ${width} pixels`);
      // Fewer than seven lines: seven lines and the padding of the cell are 162 pixels high.
      assert.ok(Math.max(...cells) < 160, `the highest cell at ${width} pixels has ${Math.max(...cells)} pixels`);
    }
    await tab.emulateMedia({ media: 'print' });
    await tab.getByRole('heading', { name: 'Access Tokens' }).waitFor();
    await rowOf(tab, 'مفتاح').getByText('modify_env', { exact: true }).waitFor();
    assert.equal(await tab.locator('button:not(th button):visible').count(), 0);
    for (const role of ['checkbox', 'navigation', 'search', 'combobox'] as const) {
      assert.equal(await tab.getByRole(role).count(), 0, role);
    }
    await tab.emulateMedia({ media: null });

    await tab.getByRole('link', { name: longName }).click();
    await tab.getByRole('heading', { name: longName, level: 1 }).waitFor();
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  });

  test('a member sees the list without buttons', secureContextOnly, async () => {
    const member = await signUpMember(fixture.server, fixture.owner, 'member', 'mem@example.com');
    const tab = await openTokens('', member);
    await rowOf(tab, 'Everything').waitFor();
    assert.equal(await tab.getByRole('button', { name: 'Generate Token' }).count(), 0);
    assert.equal(await tab.getByRole('button', { name: /^Actions for/ }).count(), 0);
    assert.equal(await tab.getByRole('checkbox').count(), 0);
    assert.equal(await tab.getByRole('link', { name: 'Activity log' }).count(), 0);
  });
});

test('two tabs in two workspaces do not mix; an unknown workspace is not found', secureContextOnly, async () => {
  const secondWorkspace = await fixture.owner.call<{ slug: string }>('/v1/workspaces', {
    body: { name: 'Second workspace' },
  });
  const firstTab = await openTokens('?workspace=acme');
  const secondTab = await firstTab.context().newPage();
  await secondTab.goto(`/settings/access-tokens?workspace=${secondWorkspace.body.slug}`);
  await secondTab.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await firstTab.reload();
  await rowOf(firstTab, 'Everything').waitFor();
  await secondTab.getByRole('button', { name: 'Generate Token' }).click();
  await secondTab.getByRole('dialog').getByLabel('Name').fill('Only in the second');
  await secondTab.getByLabel('run_scripts').check();
  await secondTab.getByRole('dialog').getByRole('button', { name: 'Generate Token' }).click();
  await secondTab.getByRole('button', { name: 'I have stored it' }).click();
  await rowOf(secondTab, 'Only in the second').waitFor();
  await firstTab.reload();
  await rowOf(firstTab, 'Everything').waitFor();
  assert.equal(await rowOf(firstTab, 'Only in the second').count(), 0);
  await secondTab.getByRole('button', { name: /^Workspace:/ }).click();
  await secondTab.getByRole('menuitem', { name: 'Acme' }).click();
  await rowOf(secondTab, 'Everything').waitFor();
  await firstTab.goto('/settings/access-tokens?workspace=no-such-workspace');
  await firstTab.getByRole('heading', { name: 'Workspace not found' }).waitFor();
});
