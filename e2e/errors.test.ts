import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorIssue } from '../src/contract/errors.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { checkPages } from './page-checks.ts';
import { type ErrorReport, reportErrors, SAMPLE_STACK } from './resource-fixtures.ts';

const totalError: ErrorReport = {
  type: 'TypeError',
  message: "Cannot read properties of undefined (reading 'total')",
  stack: SAMPLE_STACK,
  app: 'storefront',
  environment: 'production',
};
const paymentError: ErrorReport = {
  type: 'TimeoutError',
  message: 'The payment provider did not answer',
  level: 'warning',
  environment: 'staging',
};

/** The tests run in order: the second one creates this issue. */
let issueId = '';
let linus: TestPerson;
const fixture = setUpBrowserFixture(async ({ server, owner }) => {
  linus = await signUpMember(server, owner, 'member', 'linus@example.com');
});
const statusOf = async (id: string) => (await fixture.owner.call<ErrorIssue>(`/v1/errors/issues/${id}`)).body.status;

test('without issues the page leads to error keys; a key is created, used and deleted', async () => {
  const tab = await fixture.open('/errors');
  await tab.getByRole('heading', { name: 'No open issues' }).waitFor();
  await tab.getByRole('link', { name: 'Set up error reporting' }).click();
  await tab.getByRole('button', { name: 'New error key' }).first().click();
  const form = tab.getByRole('dialog', { name: 'New error key' });
  await form.getByLabel('Name').fill('Shop frontend');
  await form.getByLabel('Allowed origins (optional)').fill('https://shop.example.com/path');
  await form.getByRole('button', { name: 'Create error key' }).click();
  await form.getByText('must be an origin', { exact: false }).waitFor();
  await form.getByLabel('Allowed origins (optional)').fill('https://shop.example.com');
  await form.getByRole('button', { name: 'Create error key' }).click();
  const row = tab.getByRole('row').filter({ hasText: 'Shop frontend' });
  await row.getByText('https://shop.example.com').waitFor();
  const dsn = (await row.locator('.mono').first().textContent()) ?? '';
  assert.match(dsn, new RegExp(`^http://[0-9a-f]{32}@${new URL(fixture.server.url).host}/1$`));
  const submit = async () => {
    const headers = { 'x-sentry-auth': `Sentry sentry_key=${new URL(dsn).username}` };
    return (await fixture.server.call('/api/1/envelope/', { method: 'POST', body: '{}\n', headers })).status;
  };
  assert.equal(await submit(), 200);
  await tab.getByRole('button', { name: 'Actions for Shop frontend' }).click();
  await tab.getByRole('menuitem', { name: 'Delete…' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await tab.getByRole('heading', { name: 'No error keys yet' }).waitFor();
  assert.equal(await submit(), 401);
});

test('issues show their daily counts, are filtered, resolved from the list, and reopened when they recur', async () => {
  const reports = ['2.4.0', '2.4.1', '2.4.1'].map((release) => ({ ...totalError, release: `shop@${release}` }));
  [issueId = ''] = await reportErrors(fixture.server, fixture.owner, [...reports, paymentError]);
  const tab = await fixture.open('/errors');
  const row = tab.getByRole('row').filter({ hasText: 'Cannot read properties' });
  await row.getByRole('img', { name: '3 occurrences in 14 days, 3 today' }).waitFor();
  await row.getByText('storefront · production · shop@2.4.1').waitFor();
  await tab.getByLabel('Level').selectOption('warning');
  await row.waitFor({ state: 'detached' });
  await tab.getByRole('link', { name: 'TimeoutError: The payment provider did not answer' }).waitFor();
  await tab.getByRole('button', { name: 'Clear filters' }).click();
  await tab.getByRole('button', { name: /^Actions for TypeError/ }).click();
  await tab.getByRole('menuitem', { name: 'Resolve' }).click();
  await row.waitFor({ state: 'detached' });
  assert.equal(await statusOf(issueId), 'resolved');
  await tab.getByLabel('Status').selectOption('resolved');
  await row.getByText('Resolved').waitFor();
  await reportErrors(fixture.server, fixture.owner, [totalError]);
  assert.equal(await statusOf(issueId), 'open');
});

test("an issue shows its stack trace with the app's frames, releases and occurrences, is resolved and reopened", async () => {
  const tab = await fixture.open(`/errors/${issueId}`);
  const frames = tab.getByRole('list', { name: 'Stack trace' }).getByRole('listitem');
  assert.match((await frames.first().textContent()) ?? '', /totalOf .*basket\.ts:42 \(in the app\)/);
  await tab.getByRole('list', { name: 'Releases' }).getByRole('listitem').filter({ hasText: 'shop@2.4.1' }).waitFor();
  await tab.getByText('Latest occurrence', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Older' }).click();
  await tab.getByText('Occurrence,', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Newer' }).click();
  await tab.getByText('Latest occurrence', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Resolve' }).click();
  await tab.getByRole('button', { name: 'Reopen' }).click();
  await tab.getByRole('button', { name: 'Resolve' }).waitFor();
  assert.equal(await statusOf(issueId), 'open');
});

test('an issue is muted, found among the muted issues, and deleted after a confirmation', async () => {
  const [noisyIssueId = ''] = await reportErrors(fixture.server, fixture.owner, [
    { type: 'Noise', message: 'again and again' },
  ]);
  const tab = await fixture.open(`/errors/${noisyIssueId}`);
  await tab.getByRole('button', { name: 'Mute' }).click();
  await tab.getByText('Muted', { exact: true }).waitFor();
  assert.equal(await statusOf(noisyIssueId), 'muted');
  await tab.goto('/errors?status=muted');
  await tab.getByRole('link', { name: 'Noise: again and again' }).click();
  await tab.getByRole('button', { name: 'Delete' }).click();
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await tab.waitForURL((url) => url.pathname === '/errors');
  assert.equal((await fixture.owner.call(`/v1/errors/issues/${noisyIssueId}`)).status, 404);
});

test('frames of a minified script are shown as in the source, and as they were reported', async () => {
  const { owner, server } = fixture;
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Minified' } });
  await owner.call('/v1/apps', { body: { name: 'Minified', projectId: project.body.id } });
  const { body: key } = await owner.call<{ publicKey: string }>('/v1/errors/keys', {
    body: { name: 'Maps', app: 'minified' },
  });
  const debugId = '8f3c2a1b-0000-4000-8000-0000000000ab';
  const lines = ['export function placeOrder(order: Order) {', '  return order.total.toFixed(2);', '}'];
  const map = {
    version: 3,
    sources: ['src/orders.ts'],
    sourcesContent: [lines.join('\n')],
    names: [],
    // Maps the script to the second line of src/orders.ts.
    mappings: 'AACEA',
  };
  const path = `/v1/errors/source-maps?app=minified&file=app.js&debugId=${debugId}`;
  assert.equal((await owner.call(path, { body: map })).status, 201);
  const file = 'https://shop.example.com/app.js';
  const frame = { function: 'o', filename: file, abs_path: file, lineno: 1, colno: 48_213 };
  const event = {
    exception: [{ type: 'MinifiedError', value: 'x', stacktrace: { frames: [frame] } }],
    release: 'shop@2.4.0',
    debug_meta: { images: [{ type: 'sourcemap', code_file: file, debug_id: debugId }] },
  };
  const sent = await server.call(`/api/1/store/?sentry_key=${key.publicKey}`, { body: event });
  assert.equal(sent.status, 200, sent.text);
  const tab = await fixture.open('/errors');
  await tab.getByRole('link', { name: 'MinifiedError: x' }).click();
  const frames = tab.getByRole('list', { name: 'Stack trace' }).getByRole('listitem');
  await frames.filter({ hasText: 'src/orders.ts:2' }).waitFor();
  await tab.getByText('Show source', { exact: true }).click();
  await tab.getByText('return order.total.toFixed(2);', { exact: false }).waitFor();
  await tab.getByRole('switch', { name: 'Show the minified stack trace' }).click({ force: true });
  await frames.filter({ hasText: 'app.js:1:48213' }).waitFor();
  await tab.getByRole('button', { name: 'Resolve in shop@2.4.0' }).click();
  await tab.getByText('Resolved in', { exact: true }).waitFor();
});

test('a member sees issues but cannot change them; an unknown issue is reported', async () => {
  const tab = await fixture.open(`/errors/${issueId}`, { person: linus });
  await tab.getByRole('heading', { name: 'Stack trace' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Resolve|Reopen|Mute|Delete/ }).count(), 0);
  await tab.goto('/errors/iss_nothing');
  await tab.getByRole('heading', { name: 'This issue does not exist' }).waitFor();
});

checkPages(fixture, [
  { name: 'errors', path: '/errors?status=any' },
  { name: 'error', path: () => `/errors/${issueId}` },
  { name: 'error-keys', path: '/errors/keys' },
]);
