import { Center, Loader } from '@mantine/core';
import { createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import type { PageRoute } from '../contract/page-routes.ts';
import { isSignedOutError, queryClient } from './api.ts';
import { ErrorState } from './components/states.tsx';
import { importWhenOnline } from './connection.ts';
import { inShell, inWorkspace, page, root, settings, signedIn } from './layout-routes.tsx';
import { chooseWorkspace, meQuery, workspacesQuery } from './session.ts';
import { strings } from './strings.ts';

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./sign-in/home-page.tsx')), 'HomePage'),
  beforeLoad: async ({ search }) => {
    // `?create` asks for the form that creates another workspace.
    if (search['create'] !== undefined) return;
    const workspaces = await queryClient.ensureQueryData(workspacesQuery);
    const chosen = await chooseWorkspace(workspaces);
    if (chosen === null) return;
    throw redirect({ to: '/settings/access-tokens', search: { workspace: chosen.slug }, replace: true });
  },
});

const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: '/',
  beforeLoad: ({ search }) => {
    throw redirect({ to: '/settings/access-tokens', search, replace: true });
  },
});

const accessTokens = page(
  settings,
  '/access-tokens',
  () => import('./access-tokens/access-tokens-page.tsx'),
  'AccessTokensPage',
);
const accessToken = page(
  settings,
  '/access-tokens/$id',
  () => import('./credential/credential-page.tsx'),
  'CredentialPage',
);
const apiKeys = page(settings, '/api-keys', () => import('./api-keys/api-keys-page.tsx'), 'ApiKeysPage');
const apiKey = page(settings, '/api-keys/$id', () => import('./credential/credential-page.tsx'), 'CredentialPage');
const members = page(settings, '/members', () => import('./members/members-page.tsx'), 'MembersPage');
const review = page(settings, '/review', () => import('./review/review-page.tsx'), 'ReviewPage');
const activityLog = page(
  settings,
  '/activity-log',
  () => import('./activity-log/activity-log-page.tsx'),
  'ActivityLogPage',
);
const policy = page(settings, '/policy', () => import('./policy/policy-page.tsx'), 'PolicyPage');
const notices = page(inWorkspace, '/notices', () => import('./notices/notices-page.tsx'), 'NoticesPage');
const webhooks = page(settings, '/webhooks', () => import('./webhooks/webhooks-page.tsx'), 'WebhooksPage');
const webhook = page(settings, '/webhooks/$id', () => import('./webhooks/webhook-page.tsx'), 'WebhookPage');
const workloadIdentities = page(
  settings,
  '/workload-identities',
  () => import('./workload-identities/identities-page.tsx'),
  'IdentitiesPage',
);
const workloadIdentity = page(
  settings,
  '/workload-identities/$id',
  () => import('./workload-identities/identity-page.tsx'),
  'IdentityPage',
);
const workspace = page(settings, '/workspace', () => import('./workspace/workspace-page.tsx'), 'WorkspacePage');

const projects = page(inWorkspace, '/projects', () => import('./projects/projects-page.tsx'), 'ProjectsPage');
const project = page(inWorkspace, '/projects/$project', () => import('./projects/project-page.tsx'), 'ProjectPage');
const apps = page(inWorkspace, '/apps', () => import('./apps/apps-page.tsx'), 'AppsPage');
const app = page(inWorkspace, '/apps/$app', () => import('./apps/app-page.tsx'), 'AppPage');
const appOverview = page(app, '/', () => import('./apps/app-overview.tsx'), 'AppOverview');
const appEnvironment = page(app, '/environment', () => import('./environment/environment-tab.tsx'), 'EnvironmentTab');
const appSettings = page(app, '/settings', () => import('./apps/app-settings.tsx'), 'AppSettings');
const servers = page(inWorkspace, '/servers', () => import('./servers/servers-page.tsx'), 'ServersPage');
const server = page(inWorkspace, '/servers/$server', () => import('./servers/server-page.tsx'), 'ServerPage');
const appDeployments = page(app, '/deployments', () => import('./deployments/deployments-tab.tsx'), 'DeploymentsTab');
const deployments = page(
  inWorkspace,
  '/deployments',
  () => import('./deployments/deployments-page.tsx'),
  'DeploymentsPage',
);
const deployment = page(
  inWorkspace,
  '/deployments/$id',
  () => import('./deployments/deployment-page.tsx'),
  'DeploymentPage',
);
const appLog = page(app, '/log', () => import('./apps/log-tab.tsx'), 'LogTab');
const appBackups = page(app, '/backups', () => import('./backups/backups-tab.tsx'), 'BackupsTab');
const scripts = page(inWorkspace, '/scripts', () => import('./scripts/scripts-page.tsx'), 'ScriptsPage');
const newScript = page(inWorkspace, '/scripts/new', () => import('./scripts/edit-script-page.tsx'), 'NewScriptPage');
const script = page(inWorkspace, '/scripts/$script', () => import('./scripts/script-page.tsx'), 'ScriptPage');
const editScript = page(
  inWorkspace,
  '/scripts/$script/edit',
  () => import('./scripts/edit-script-page.tsx'),
  'EditScriptPage',
);
const run = page(inWorkspace, '/runs/$id', () => import('./scripts/run-page.tsx'), 'RunPage');
const activity = page(inWorkspace, '/activity', () => import('./activity/activity-page.tsx'), 'ActivityPage');
const issues = page(inWorkspace, '/errors', () => import('./errors/issues-page.tsx'), 'IssuesPage');
const errorKeys = page(inWorkspace, '/errors/keys', () => import('./errors/error-keys-page.tsx'), 'ErrorKeysPage');
const issue = page(inWorkspace, '/errors/$id', () => import('./errors/issue-page.tsx'), 'IssuePage');

const account = page(inShell, '/account', () => import('./account/account-page.tsx'), 'AccountPage');
const people = page(inShell, '/people', () => import('./people/people-page.tsx'), 'PeoplePage');
const forgotPassword = page(
  root,
  '/forgot-password',
  () => import('./sign-in/forgot-password-page.tsx'),
  'ForgotPasswordPage',
);
const resetPassword = page(
  root,
  '/reset-password',
  () => import('./sign-in/reset-password-page.tsx'),
  'ResetPasswordPage',
);
const device = page(signedIn, '/device', () => import('./device/device-page.tsx'), 'DevicePage');
const invitation = page(root, '/accept-invitation', () => import('./invitation/invitation-page.tsx'), 'InvitationPage');
const signIn = page(root, '/sign-in', () => import('./sign-in/sign-in-page.tsx'), 'SignInPage');
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./sign-in/setup-page.tsx')), 'SetupPage'),
  // After the first sign-up, the page is only for a signed-in person who has no workspace and may create one.
  beforeLoad: async () => {
    if (document.querySelector<HTMLMetaElement>('meta[name=devpilot-setup]')?.content === 'pending') return;
    const me = await queryClient.ensureQueryData(meQuery).catch((error: unknown) => {
      throw isSignedOutError(error) ? redirect({ to: '/sign-in', search: {} }) : error;
    });
    const workspaces = await queryClient.ensureQueryData(workspacesQuery);
    if (workspaces.length > 0 || !me.canCreateWorkspaces) throw redirect({ to: '/', search: {} });
  },
});

const routeTree = root.addChildren([
  signedIn.addChildren([
    home,
    device,
    inShell.addChildren([
      account,
      people,
      inWorkspace.addChildren([
        projects,
        project,
        apps,
        app.addChildren([appOverview, appDeployments, appEnvironment, appLog, appBackups, appSettings]),
        servers,
        server,
        deployments,
        deployment,
        scripts,
        newScript,
        script,
        editScript,
        run,
        notices,
        activity,
        issues,
        errorKeys,
        issue,
        settings.addChildren([
          settingsHome,
          accessTokens,
          accessToken,
          apiKeys,
          apiKey,
          members,
          review,
          activityLog,
          policy,
          webhooks,
          webhook,
          workloadIdentities,
          workloadIdentity,
          workspace,
        ]),
      ]),
    ]),
  ]),
  invitation,
  signIn,
  forgotPassword,
  resetPassword,
  setup,
]);

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Leaves all values as strings, so that a search for 123 is not parsed as a number.
  parseSearch: (text) => {
    const search = Object.fromEntries(new URLSearchParams(text));
    // `new` is a flag. It gets a value here, because `stringifySearch` omits parameters without one.
    return search['new'] === '' ? { ...search, new: 'true' } : search;
  },
  stringifySearch: (search) => {
    const entries = Object.entries(search).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    );
    const text = new URLSearchParams(entries).toString();
    return text === '' ? '' : `?${text}`;
  },
  defaultPendingComponent: () => (
    <Center h="60dvh">
      <Loader aria-label={strings.router.loading} />
    </Center>
  ),
  defaultErrorComponent: ({ error, reset }) => (
    <ErrorState
      error={error}
      retry={() => {
        reset();
        void router.invalidate();
      }}
    />
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

type RouterPaths = typeof router.routesByPath;
// Compiles only if the server serves every page, and every path that the server serves has a page.
router.routesByPath satisfies Readonly<Record<PageRoute, unknown>> & {
  readonly [Path in keyof RouterPaths]: Path extends PageRoute | `${PageRoute}/` ? unknown : never;
};
