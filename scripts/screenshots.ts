/** Takes the two screenshots of the README from the built web UI: `npm run screenshots`. */
import { mkdirSync } from 'node:fs';
import { openTab, startBrowser } from '../e2e/browser.ts';
import { bearer, createToken, signUpOwner, startTestServer } from '../src/testing/test-server.ts';

const FOLDER = 'docs/pictures';
const DAY = 86_400_000;

mkdirSync(FOLDER, { recursive: true });
const server = await startTestServer();
const browser = await startBrowser();
try {
  const ada = await signUpOwner(server);
  const inDays = (days: number) => new Date(Date.now() + days * DAY).toISOString();
  const tokens = [
    { name: 'Nightly reports', scopes: ['run_scripts'], expiresAt: inDays(24) },
    { name: 'Deployment Automation', scopes: ['all'], expiresAt: null },
    {
      name: 'Monitoring Script',
      scopes: ['error_tracker', 'activity_tracker', 'activity_tracker_analytics'],
      passphrase: 'correct horse battery staple',
      expiresAt: inDays(80),
    },
    { name: 'CI/CD Pipeline', scopes: ['basic_deployment', 'advanced_deployment'], expiresAt: inDays(6) },
  ] as const;
  for (const { scopes, ...fields } of tokens) {
    const { secret } = await createToken(ada, scopes, fields);
    if (!('passphrase' in fields)) await server.call('/v1/whoami', { headers: bearer(secret) });
  }
  for (const [scheme, name] of [
    ['light', 'access-tokens'],
    ['dark', 'generate-token'],
  ] as const) {
    const tab = await openTab(browser, server, { person: ada, scheme, width: 1440 });
    await tab.goto('/settings/access-tokens');
    await tab.getByRole('table').waitFor();
    if (name === 'generate-token') {
      await tab.getByRole('button', { name: 'Generate Token' }).click();
      await tab.getByRole('dialog').getByLabel('Name').fill('Release Pipeline');
      await tab.getByLabel('basic_deployment').check();
    }
    await tab.screenshot({ path: `${FOLDER}/${name}.png`, animations: 'disabled' });
  }
} finally {
  await browser.close();
  await server.close();
}
process.stdout.write(`Saved two screenshots in ${FOLDER}.\n`);
