import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { Deployment } from '../src/contract/deployments.ts';
import type { Page as PageOf } from '../src/contract/paging.ts';
import { createServerResource, createTestApp, type TestApp } from '../src/testing/test-deployments.ts';
import { signUpMember, type TestPerson } from '../src/testing/test-server.ts';
import { type BrowserFixture, setUpBrowserFixture } from './browser-fixture.ts';
import { button } from './keyboard.ts';
import { dialog } from './page-actions.ts';

/** A workspace with two servers, and the app Storefront on the first of them. */
export interface DeploymentFixture {
  readonly fixture: BrowserFixture;
  /** Has the role member. */
  readonly member: TestPerson;
  readonly app: TestApp;
  /** The hash of the first commit in the app's repository. */
  readonly firstCommit: string;
  commit(text: string): void;
  /** Reads page.txt of the active release. */
  readLivePage(): string;
  listDeployments(): Promise<Deployment[]>;
  /** Opens the deploy dialog, fills it in with `fill`, submits it and waits for the deployment's page. */
  deploy(tab: Page, fill?: (form: Locator) => Promise<unknown>): Promise<void>;
}

/** Sets up the fixture of a file about deployments; see `setUpBrowserFixture`. */
export function setUpDeploymentFixture(): DeploymentFixture {
  let prepared: { linus: TestPerson; app: TestApp; firstCommit: string } | undefined;
  const requirePrepared = () => {
    if (prepared === undefined) throw new Error('The fixture is not ready before the tests start.');
    return prepared;
  };
  const fixture = setUpBrowserFixture(
    async ({ server: testServer, owner }) => {
      const linus = await signUpMember(testServer, owner, 'member', 'linus@example.com');
      const server = await createServerResource(owner);
      await createServerResource(owner);
      const app = await createTestApp(owner, server.id, {
        name: 'Storefront',
        hooks: [
          // Fails if the release contains a file named `broken`, and prints that file.
          { name: 'Build', stage: 'post_source_control', run: 'echo building; cat broken 2>&- && exit 1 || :' },
          { name: 'Restart', stage: 'post_release', run: 'echo restarted' },
        ],
      });
      prepared = { linus, app, firstCommit: app.repository.git('rev-parse', 'HEAD') };
    },
    { environment: { DEVPILOT_LOCAL_SERVER: 'on' } },
  );
  return {
    fixture,
    get member() {
      return requirePrepared().linus;
    },
    get app() {
      return requirePrepared().app;
    },
    get firstCommit() {
      return requirePrepared().firstCommit;
    },
    commit: (text) => void requirePrepared().app.repository.commit({ 'page.txt': text }),
    readLivePage: () => readFileSync(join(requirePrepared().app.directory, 'current/page.txt'), 'utf8'),
    listDeployments: async () => (await fixture.owner.call<PageOf<Deployment>>('/v1/deployments')).body.data,
    async deploy(tab, fill) {
      await tab.goto(`/apps/${requirePrepared().app.id}/deployments`);
      await tab.getByRole('button', { name: 'Deploy…' }).click();
      const form = dialog(tab, 'Deploy Storefront');
      await fill?.(form);
      await form.getByRole('button', { name: 'Deploy' }).click();
      await tab.getByRole('heading', { name: 'Deployment of Storefront', level: 1 }).waitFor();
    },
  };
}

export const stepItem = (tab: Page, name: string): Locator =>
  tab.getByRole('list', { name: 'Steps' }).getByRole('listitem').filter({ hasText: name });
export const serverItem = (tab: Page, name: string): Locator =>
  tab.getByRole('list', { name: 'Servers' }).getByRole('listitem').filter({ hasText: name });

/** Presses the button of an action on the deployment and confirms the action in the dialog. */
export async function confirmDeploymentAction(
  tab: Page,
  action: 'Promote' | 'Abort' | 'Cancel' | 'Retry',
): Promise<void> {
  await button(tab, action).click();
  const confirmDialog = dialog(tab, `${action} deployment`);
  await button(confirmDialog, action).click();
  await confirmDialog.waitFor({ state: 'detached' });
}

/** Selects a strategy and both servers in the deploy dialog. */
export const selectBothServers = (strategy: 'Rolling' | 'Canary') => async (form: Locator) => {
  await button(form, 'More options').click();
  await form.getByLabel('Server 2').check();
  await form.getByLabel(strategy).check();
};
