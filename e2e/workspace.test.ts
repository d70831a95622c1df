import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  bearer,
  createToken,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startHouse,
  type TestHouse,
  type TestPerson,
} from '../src/testing/house.ts';
import { findBarriers, openTab, startBrowser } from './browser.ts';

let house: TestHouse;
let browser: Browser;
let ada: TestPerson;
let linus: TestPerson;

before(async () => {
  house = await startHouse();
  browser = await startBrowser();
  ada = await signUpOwner(house);
  linus = await signUpMember(house, ada, 'member', 'linus@example.com');
});
after(async () => {
  await browser?.close();
  await house?.close();
});

interface Device {
  readonly device_code: string;
  readonly user_code: string;
}

async function poll(device: Device) {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const body = { grant_type, device_code: device.device_code };
  return (await house.call<{ access_token?: string; error?: string }>('/v1/device/token', { body })).body;
}

const begin = async () => (await house.call<Device>('/v1/device/code', { body: { client_id: 'devpilot-cli' } })).body;

test('a device is approved after signing in; the code survives the way through sign-in', async () => {
  const device = await begin();
  const tab = await openTab(browser, house);
  await tab.goto(`/device#${device.user_code}`);
  await tab.getByLabel('Email').fill('ada@example.com');
  await tab.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.getByRole('heading', { name: 'Let this device sign in?' }).waitFor();
  await tab.getByText(device.user_code).waitFor();
  await tab.getByText('devpilot-cli').waitFor();
  await tab.getByText('Approve only what you started yourself', { exact: false }).waitFor();
  assert.equal(new URL(tab.url()).hash, '');
  await tab.getByRole('button', { name: 'Approve' }).click();
  await tab.getByRole('heading', { name: 'The device is signed in' }).waitFor();
  assert.match((await poll(device)).access_token ?? '', /^devpilot_session_/);
  await tab.context().close();
});

test('a device is turned away; a code that is not there says so', async () => {
  const device = await begin();
  const tab = await openTab(browser, house, { person: ada });
  await tab.goto('/device');
  await tab.getByLabel('Code').fill('nonsense');
  await tab.getByRole('button', { name: 'Continue' }).click();
  await tab.getByText('There is no request with this code.', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Type another code' }).click();
  await tab.getByLabel('Code').fill(device.user_code.toLowerCase());
  await tab.getByRole('button', { name: 'Continue' }).click();
  await tab.getByRole('button', { name: 'Deny' }).click();
  await tab.getByRole('heading', { name: 'The device was turned away' }).waitFor();
  assert.equal((await poll(device)).error, 'access_denied');
  await tab.context().close();
});

test('every page is free of barriers, wide and narrow, light and dark', async () => {
  const token = await createToken(ada, ['basic_deployment']);
  await house.call('/v1/authorize', { headers: bearer(token.secret) });
  const paths = [
    '/account',
    '/settings/members',
    '/settings/activity-log',
    '/settings/workspace',
    `/settings/access-tokens/${token.id}`,
    '/device',
    '/accept-invitation#somecode',
  ];
  for (const [width, scheme] of [
    [1280, 'light'],
    [400, 'dark'],
  ] as const) {
    const tab = await openTab(browser, house, { person: ada, width, scheme });
    for (const path of paths) {
      await tab.goto(path);
      await tab.getByRole('heading', { level: 1 }).waitFor();
      await tab.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
      assert.deepEqual(await findBarriers(tab), [], `${path} ${scheme}`);
      const overhang = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overhang <= 0, `${path} is ${overhang} pixels too wide at ${width}`);
    }
    await tab.context().close();
  }
});

test('a workspace is renamed and its tab follows the new slug', async () => {
  const tab = await openTab(browser, house, { person: ada });
  await tab.goto('/settings/workspace');
  await tab.getByLabel('Name', { exact: true }).fill('Acme Rockets');
  await tab.getByLabel('Slug').fill('Not a slug');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.getByText('Takes 1 to 63', { exact: false }).waitFor();
  await tab.getByLabel('Slug').fill('rockets');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.waitForURL(/workspace=rockets/);
  await tab.getByRole('button', { name: /Acme Rockets/ }).waitFor();
  await tab.context().close();
});

test('a member sees the facts of the workspace and nothing to press', async () => {
  const tab = await openTab(browser, house, { person: linus });
  await tab.goto('/settings/workspace');
  await tab.getByRole('region', { name: 'Facts' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Save|Delete/ }).count(), 0);
  await tab.context().close();
});

test('deleting a workspace says what dies with it, wants its name typed, and kills it', async () => {
  const token = await createToken(ada, ['all']);
  const tab = await openTab(browser, house, { person: ada });
  await tab.goto('/settings/workspace');
  await tab.getByRole('button', { name: 'Delete workspace…' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Delete workspace' });
  await dialog.getByText('2 access tokens and 0 API keys die with it.').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Delete workspace' }).isDisabled(), true);
  await dialog.getByRole('textbox').fill('Acme Rockets');
  await dialog.getByRole('button', { name: 'Delete workspace' }).click();
  await tab.getByRole('heading', { name: 'Create a workspace' }).waitFor();
  assert.equal((await house.call('/v1/whoami', { headers: bearer(token.secret) })).status, 401);
  await tab.context().close();
});
