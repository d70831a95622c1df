import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, createToken, signUpMember } from '../src/testing/test-server.ts';
import { setUpBrowserFixture } from './browser-fixture.ts';
import { signIn } from './page-actions.ts';

const fixture = setUpBrowserFixture();

interface Device {
  readonly device_code: string;
  readonly user_code: string;
}

async function pollDevice(device: Device) {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const body = { grant_type, device_code: device.device_code };
  return (await fixture.server.call<{ access_token?: string; error?: string }>('/v1/device/token', { body })).body;
}

const requestDeviceCode = async () =>
  (await fixture.server.call<Device>('/v1/device/code', { body: { client_id: 'devpilot-cli' } })).body;

test('a device is approved after signing in; its code survives the sign-in', async () => {
  const device = await requestDeviceCode();
  const tab = await fixture.open(`/device#${device.user_code}`, { person: null });
  await signIn(tab, fixture.owner.email);
  await tab.getByRole('heading', { name: 'Approve this device?' }).waitFor();
  await tab.getByText(device.user_code).waitFor();
  await tab.getByText('devpilot-cli').waitFor();
  await tab.getByText('Approve only a sign-in that you just started yourself', { exact: false }).waitFor();
  assert.equal(new URL(tab.url()).hash, '');
  await tab.getByRole('button', { name: 'Approve' }).click();
  await tab.getByRole('heading', { name: 'Device signed in' }).waitFor();
  assert.match((await pollDevice(device)).access_token ?? '', /^devpilot_session_/);
});

test('a device is denied; an unknown code is reported', async () => {
  const device = await requestDeviceCode();
  const tab = await fixture.open('/device');
  await tab.getByLabel('Code').fill('nonsense');
  await tab.getByRole('button', { name: 'Continue' }).click();
  await tab.getByText('No sign-in request has this code.', { exact: false }).waitFor();
  await tab.getByRole('button', { name: 'Enter another code' }).click();
  await tab.getByLabel('Code').fill(device.user_code.toLowerCase());
  await tab.getByRole('button', { name: 'Continue' }).click();
  await tab.getByRole('button', { name: 'Deny' }).click();
  await tab.getByRole('heading', { name: 'Sign-in denied' }).waitFor();
  assert.equal((await pollDevice(device)).error, 'access_denied');
});

test('a workspace is renamed, and the URL of the browser tab follows the new slug', async () => {
  const tab = await fixture.open('/settings/workspace');
  await tab.getByLabel('Name', { exact: true }).fill('Acme Rockets');
  await tab.getByLabel('Slug', { exact: true }).fill('Not a slug');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.getByText('Must be 1–63', { exact: false }).waitFor();
  await tab.getByLabel('Slug', { exact: true }).fill('rockets');
  await tab.getByRole('button', { name: 'Save' }).click();
  await tab.waitForURL(/workspace=rockets/);
  await tab.getByRole('button', { name: /Acme Rockets/ }).waitFor();
});

test('a member sees the details of the workspace without buttons to save or delete', async () => {
  const linus = await signUpMember(fixture.server, fixture.owner, 'member', 'linus@example.com');
  const tab = await fixture.open('/settings/workspace', { person: linus });
  await tab.getByRole('region', { name: 'Details' }).waitFor();
  assert.equal(await tab.getByRole('button', { name: /Save|Delete/ }).count(), 0);
});

test('deleting a workspace says what is deleted with it and requires its name to be typed', async () => {
  const token = await createToken(fixture.owner, ['all']);
  const tab = await fixture.open('/settings/workspace');
  await tab.getByRole('button', { name: 'Delete workspace…' }).click();
  const dialog = tab.getByRole('dialog', { name: 'Delete workspace' });
  await dialog.getByText('This deletes 1 access token and 0 API keys.').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Delete workspace' }).isDisabled(), true);
  await dialog.getByRole('textbox').fill('Acme Rockets');
  await dialog.getByRole('button', { name: 'Delete workspace' }).click();
  await tab.getByRole('heading', { name: 'Create workspace' }).waitFor();
  assert.equal((await fixture.server.call('/v1/whoami', { headers: bearer(token.secret) })).status, 401);
});
