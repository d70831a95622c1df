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

const fixture = setUpBrowserFixture();

const openTokens = (search = '', person?: TestPerson): Promise<Page> =>
  fixture.open(`/settings/access-tokens${search}`, person === undefined ? {} : { person });

async function findToken(name: string): Promise<AccessToken> {
  const { body } = await fixture.owner.call<{ data: AccessToken[] }>(`/v1/access-tokens?q=${encodeURIComponent(name)}`);
  const [first] = body.data;
  assert.ok(first, `there is a token ${name}`);
  return first;
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
    const until = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
    const day = until.format(new Date(Date.now() + 30 * 86_400_000));
    await form.getByText(`Can deploy and read analytics until ${day}; passphrase required.`).waitFor();
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
    assert.ok(!command.includes(secret), 'the secret would be in the history of the shell');
    await secretDialog.getByRole('button', { name: 'Copy command' }).click();
    assert.equal(await readAndClearClipboard(tab, fixture.server), command);

    const [file] = await Promise.all([
      tab.waitForEvent('download'),
      secretDialog.getByRole('button', { name: 'Download as .env' }).click(),
    ]);
    assert.equal(file.suggestedFilename(), 'devpilot-token.env');
    const text = await readFile(await file.path(), 'utf8');
    assert.ok(text.includes(`DEVPILOT_TOKEN=${secret}\nDEVPILOT_PASSPHRASE=${passphrase}\n`));
    assert.equal(await secretDialog.getByTestId('passphrase').textContent(), passphrase);
    // The name of the page's origin is known to the browser of the tests only.
    const shell = promisify(execFile)('bash', ['-c', `${command} --silent --connect-to ::127.0.0.1:`]);
    shell.child.stdin?.end(`${secret}\n${passphrase}\n`);
    assert.match((await shell).stdout, /"access_token"/);
    await secretDialog.getByRole('button', { name: 'Copy passphrase' }).click();
    assert.equal(await readAndClearClipboard(tab, fixture.server), passphrase);

    await tab.goBack();
    const confirmDialog = tab.getByRole('dialog', { name: 'Leave this page?' });
    await confirmDialog.getByText('the secret and its passphrase', { exact: false }).waitFor();
    await confirmDialog.getByRole('button', { name: 'Cancel' }).click();
    const reload = tab.waitForEvent('dialog');
    void tab.reload().catch(() => null);
    const question = await reload;
    assert.equal(question.type(), 'beforeunload');
    await question.dismiss();
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

  test('all includes the other scopes, and no expiry shows a warning', secureContextOnly, async () => {
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
    assert.deepEqual((await findToken('Everything')).scopes, ['all']);
  });

  test('the form fits a laptop, its fields are never under the footer on a phone, and a preset submits nothing', async () => {
    const tab = await openTokens();
    await tab.setViewportSize({ width: 1440, height: 900 });
    for (const [page, opener] of [
      ['/settings/api-keys', 'Generate API Key'],
      ['/settings/access-tokens', 'Generate Token'],
    ] as const) {
      await tab.goto(page);
      await tab.getByRole('button', { name: opener }).click();
      const dialog = tab.getByRole('dialog', { name: opener });
      await waitForFocus(tab, dialog.getByLabel('Name'));
      assert.deepEqual(await dialog.evaluate((element) => element.scrollHeight - element.clientHeight), 0, page);
    }
    const form = tab.getByRole('dialog', { name: 'Generate Token' });
    await form.getByRole('button', { name: 'Deploy pipeline' }).click();
    await form.getByText(/^Can deploy until \d/).waitFor();
    assert.equal(await form.getByLabel('Name').inputValue(), 'Deploy pipeline');
    await form.getByLabel('Only a limited number of uses').check();
    await form.getByText(/; enter the maximum number of uses\.$/).waitFor();
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

  test('restricts a token to an app and a number of uses, and is offered the address it was used from', async () => {
    const project = await fixture.owner.call<{ id: string }>('/v1/projects', { body: { name: 'Online shop' } });
    const app = await fixture.owner.call<{ id: string }>('/v1/apps', {
      body: { name: 'Checkout', projectId: project.body.id, repository: 'https://git.example.com/checkout.git' },
    });
    const used = await createToken(fixture.owner, ['run_scripts'], { name: 'Used here' });
    await fixture.server.call('/v1/whoami', { headers: bearer(used.secret) });
    const tab = await fixture.open(`/settings/access-tokens/${used.id}`);
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

  test('a link fills in the form, also through sign-in, and submits nothing', async () => {
    const link = '/settings/access-tokens?new&name=Nightly+reports&scopes=run_scripts,nonsense&expires=30d';
    const tab = await fixture.open(link, { person: null });
    await signIn(tab, 'ada@example.com');
    const form = tab.getByRole('dialog', { name: 'Generate Token' });
    await form.getByText('A link filled in this form.', { exact: false }).waitFor();
    await form.getByText('Unknown values were ignored: the scope nonsense.', { exact: false }).waitFor();
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

  test('creates a token by keyboard only', secureContextOnly, async () => {
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
    assert.deepEqual((await findToken('By keyboard')).scopes, ['basic_deployment']);
  });

  test('a lost response creates one token, and the page says what happened', async () => {
    const tab = await openTokens();
    await tab.getByRole('button', { name: 'Generate Token' }).click();
    const form = tab.getByRole('dialog');
    await form.getByLabel('Name').fill('Lost on the way');
    await form.getByLabel('run_scripts').check();
    await tab.route('**/v1/access-tokens', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch({ url: `${fixture.server.url}/v1/access-tokens` });
      return route.abort();
    });
    await form.getByRole('button', { name: 'Generate Token' }).click();
    await form.getByText('it will not be created twice').waitFor();
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
    const used = await createToken(fixture.owner, ['run_scripts'], { name: 'Filter two' });
    for (let use = 0; use < 3; use++) await fixture.server.call('/v1/whoami', { headers: bearer(used.secret) });
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
    'a line above the list counts the tokens, and those to review by reason; each reason filters the list',
    secureContextOnly,
    async () => {
      const expiresAt = new Date(Date.now() + 3 * 86_400_000).toISOString();
      await createToken(fixture.owner, ['error_tracker'], { name: 'Soon gone', expiresAt });
      const { body } = await fixture.owner.call<CountedPage<AccessToken>>('/v1/access-tokens');
      const tab = await openTokens();
      await tab.getByText(`${body.total} access tokens`).waitFor();
      const review = tab.getByRole('list', { name: 'To review' });
      await review.getByRole('link', { name: '1 holds all scopes' }).click();
      await tab.waitForURL(/[?&]right=all/);
      await rowOf(tab, 'Soon gone').waitFor({ state: 'detached' });
      await rowOf(tab, 'Everything').waitFor();
      await tab.getByText('1 result', { exact: true }).waitFor();
      await review.getByRole('link', { name: '1 expires within 7 days' }).click();
      await rowOf(tab, 'Soon gone').waitFor();
      assert.equal(await tab.getByRole('row').count(), 2);
      assert.equal(await review.getByRole('link', { name: '7 days' }).getAttribute('aria-current'), 'page');
      assert.equal(await tab.getByLabel('Expiry', { exact: true }).inputValue(), '7');
      const never = body.data.filter((token) => token.expiresAt === null);
      await review.getByRole('link', { name: `${never.length} never expire` }).click();
      await rowOf(tab, 'Everything').waitFor();
      assert.equal(await tab.getByRole('row').count(), 1 + never.length);

      await tab.goto('/settings/api-keys');
      await tab.getByRole('heading', { name: 'No API keys yet' }).waitFor();
      assert.equal(await review.count(), 0);
    },
  );

  test('pages by cursor, forwards and backwards', secureContextOnly, async () => {
    const other = await startTestServer();
    try {
      const bob = await signUpOwner(other, 'bob@example.com', 'Many');
      const names = Array.from({ length: 60 }, (_, index) => `Token ${String(index).padStart(3, '0')}`);
      await Promise.all(names.map((name) => createToken(bob, ['run_scripts'], { name })));
      const tab = await openTab(fixture.browser, other, { person: bob });
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
      await other.close();
    }
  });

  test('long and right-to-left names fit, no scope breaks, no cell has many lines, and print has only the list', async () => {
    const long = `${'W'.repeat(251)} end`;
    await createToken(fixture.owner, ['activity_tracker_analytics', 'advanced_deployment'], { name: long });
    const scopes = ['basic_deployment', 'run_scripts', 'activity_tracker', 'modify_env'] as const;
    await createToken(fixture.owner, [...scopes], { name: 'مفتاح النشر (prod) رقم 2' });
    const tab = await openTokens();
    await rowOf(tab, 'مفتاح').waitFor();
    for (const width of [1440, 1280, 1150, 960, 768, 360]) {
      await tab.setViewportSize({ width, height: 800 });
      // Once the list fits: it becomes a list of cards in time.
      await tab.waitForFunction(() => {
        const frame = document.querySelector('table')?.parentElement;
        return frame != null && frame.scrollWidth <= frame.clientWidth;
      });
      const { tags, cells } = await tab.evaluate(() => ({
        tags: [...document.querySelectorAll<HTMLElement>('tbody .tag')].map((tag) => tag.offsetHeight),
        cells: [...document.querySelectorAll<HTMLElement>('tbody td')].map((cell) => cell.offsetHeight),
      }));
      assert.ok(Math.max(...tags) < 30, `${width}: a scope breaks`);
      // Seven lines of text and the padding of the cell take 162 pixels.
      assert.ok(Math.max(...cells) < 160, `${width}: a cell of ${Math.max(...cells)} pixels`);
    }
    await tab.emulateMedia({ media: 'print' });
    await tab.getByRole('heading', { name: 'Access Tokens' }).waitFor();
    await rowOf(tab, 'مفتاح').getByText('modify_env', { exact: true }).waitFor();
    assert.equal(await tab.locator('button:not(th button):visible').count(), 0);
    for (const role of ['checkbox', 'navigation', 'search', 'combobox'] as const) {
      assert.equal(await tab.getByRole(role).count(), 0, role);
    }
    await tab.emulateMedia({ media: null });

    await tab.getByRole('link', { name: long }).click();
    await tab.getByRole('heading', { name: long, level: 1 }).waitFor();
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

test('two tabs in two workspaces do not mix', secureContextOnly, async () => {
  const created = await fixture.owner.call<{ slug: string }>('/v1/workspaces', { body: { name: 'Second place' } });
  const first = await openTokens('?workspace=acme');
  const second = await first.context().newPage();
  await second.goto(`/settings/access-tokens?workspace=${created.body.slug}`);
  await second.getByRole('heading', { name: 'No access tokens yet' }).waitFor();
  await first.reload();
  await rowOf(first, 'Everything').waitFor();
  await second.getByRole('button', { name: 'Generate Token' }).click();
  await second.getByRole('dialog').getByLabel('Name').fill('Only in the second');
  await second.getByLabel('run_scripts').check();
  await second.getByRole('dialog').getByRole('button', { name: 'Generate Token' }).click();
  await second.getByRole('button', { name: 'I have stored it' }).click();
  await rowOf(second, 'Only in the second').waitFor();
  await first.reload();
  await rowOf(first, 'Everything').waitFor();
  assert.equal(await rowOf(first, 'Only in the second').count(), 0);
  await second.getByRole('button', { name: /^Workspace:/ }).click();
  await second.getByRole('menuitem', { name: 'Acme' }).click();
  await rowOf(second, 'Everything').waitFor();
  await first.goto('/settings/access-tokens?workspace=nobodys');
  await first.getByRole('heading', { name: 'Workspace not found' }).waitFor();
});
