import { Center, Loader } from '@mantine/core';
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { isSignedOut, queryClient } from './api.ts';
import { ErrorState } from './components/states.tsx';
import { importWhenOnline } from './connection.ts';
import {
  CurrentWorkspace,
  chooseWorkspace,
  meQuery,
  rememberWorkspace,
  useWorkspaceOrNull,
  workspacesQuery,
} from './session.ts';
import { CenteredLayout } from './shell/centered-layout.tsx';
import { NoSuchWorkspace } from './shell/no-workspace.tsx';
import { Shell } from './shell/shell.tsx';

/** The query string of a URL. All values are strings. Secrets and codes are passed only in the fragment. */
export interface AppSearch {
  /** The slug of the tab's workspace. */
  workspace?: string;
  /** The path to return to after signing in. */
  from?: string;
  [name: string]: string | undefined;
}

const root = createRootRoute({
  validateSearch: (search: AppSearch): AppSearch => search,
  search: { middlewares: [retainSearchParams(['workspace'])] },
  component: Outlet,
  notFoundComponent: () => (
    <CenteredLayout title="Page not found" description="The URL may be mistyped, or the page may have moved." />
  ),
});

/** Pages that require sign-in. A person whose session has ended is redirected to sign-in and back. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    try {
      await Promise.all([queryClient.ensureQueryData(meQuery), queryClient.ensureQueryData(workspacesQuery)]);
    } catch (error) {
      if (!isSignedOut(error)) throw error;
      throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { from: location.href } });
    }
  },
});

/** Signed-in pages with navigation. The URL always names the tab's workspace. */
const inShell = createRoute({
  getParentRoute: () => signedIn,
  id: 'framed',
  component: Shell,
  beforeLoad: async ({ location, search }) => {
    const workspaces = await queryClient.ensureQueryData(workspacesQuery);
    const namedWorkspace = workspaces.find(({ slug, id }) => slug === search.workspace || id === search.workspace);
    if (namedWorkspace !== undefined) return rememberWorkspace(namedWorkspace);
    if (search.workspace !== undefined) return;
    const chosen = await chooseWorkspace(workspaces);
    if (chosen === null) {
      if (location.pathname !== '/account' && location.pathname !== '/people') throw redirect({ to: '/', search: {} });
      return;
    }
    throw redirect({
      to: location.pathname,
      search: { ...search, workspace: chosen.slug },
      hash: location.hash,
      replace: true,
    });
  },
});

/** Pages within a workspace, rendered only if the workspace exists. */
const inWorkspace = createRoute({
  getParentRoute: () => inShell,
  id: 'within',
  component: function Within() {
    const workspace = useWorkspaceOrNull();
    // The key unmounts the page when the workspace changes, so that no input or selection is carried over.
    if (workspace === null) return <NoSuchWorkspace />;
    return (
      <CurrentWorkspace value={workspace}>
        <Outlet key={workspace.id} />
      </CurrentWorkspace>
    );
  },
});

const settings = createRoute({ getParentRoute: () => inWorkspace, path: '/settings', component: Outlet });

const home = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./sign-in/home-page.tsx')), 'HomePage'),
  beforeLoad: async ({ search }) => {
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

const accessTokens = createRoute({
  getParentRoute: () => settings,
  path: '/access-tokens',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./access-tokens/access-tokens-page.tsx')),
    'AccessTokensPage',
  ),
});
const accessToken = createRoute({
  getParentRoute: () => settings,
  path: '/access-tokens/$id',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./credential/credential-page.tsx')),
    'CredentialPage',
  ),
});
const apiKeys = createRoute({
  getParentRoute: () => settings,
  path: '/api-keys',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./api-keys/api-keys-page.tsx')), 'ApiKeysPage'),
});
const apiKey = createRoute({
  getParentRoute: () => settings,
  path: '/api-keys/$id',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./credential/credential-page.tsx')),
    'CredentialPage',
  ),
});
const members = createRoute({
  getParentRoute: () => settings,
  path: '/members',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./members/members-page.tsx')), 'MembersPage'),
});
const activityLog = createRoute({
  getParentRoute: () => settings,
  path: '/activity-log',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./activity-log/activity-log-page.tsx')),
    'ActivityLogPage',
  ),
});
const workspace = createRoute({
  getParentRoute: () => settings,
  path: '/workspace',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./workspace/workspace-page.tsx')),
    'WorkspacePage',
  ),
});

const projects = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/projects',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./projects/projects-page.tsx')), 'ProjectsPage'),
});
const project = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/projects/$project',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./projects/project-page.tsx')), 'ProjectPage'),
});
const apps = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/apps',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./apps/apps-page.tsx')), 'AppsPage'),
});
const app = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/apps/$app',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./apps/app-page.tsx')), 'AppPage'),
});
const appOverview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./apps/app-overview.tsx')), 'AppOverview'),
});
const appEnvironment = createRoute({
  getParentRoute: () => app,
  path: '/environment',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./environment/environment-tab.tsx')),
    'EnvironmentTab',
  ),
});
const appSettings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./apps/app-settings.tsx')), 'AppSettings'),
});
const servers = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/servers',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./servers/servers-page.tsx')), 'ServersPage'),
});
const server = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/servers/$server',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./servers/server-page.tsx')), 'ServerPage'),
});
const appDeployments = createRoute({
  getParentRoute: () => app,
  path: '/deployments',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./deployments/deployments-tab.tsx')),
    'DeploymentsTab',
  ),
});
const deployments = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/deployments',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./deployments/deployments-page.tsx')),
    'DeploymentsPage',
  ),
});
const deployment = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/deployments/$id',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./deployments/deployment-page.tsx')),
    'DeploymentPage',
  ),
});
const appLog = createRoute({
  getParentRoute: () => app,
  path: '/log',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./apps/log-tab.tsx')), 'LogTab'),
});
const appBackups = createRoute({
  getParentRoute: () => app,
  path: '/backups',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./backups/backups-tab.tsx')), 'BackupsTab'),
});
const scripts = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/scripts',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./scripts/scripts-page.tsx')), 'ScriptsPage'),
});
const newScript = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/scripts/new',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./scripts/edit-script-page.tsx')),
    'NewScriptPage',
  ),
});
const script = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/scripts/$script',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./scripts/script-page.tsx')), 'ScriptPage'),
});
const editScript = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/scripts/$script/edit',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./scripts/edit-script-page.tsx')),
    'EditScriptPage',
  ),
});
const run = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/runs/$id',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./scripts/run-page.tsx')), 'RunPage'),
});
const activity = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/activity',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./activity/activity-page.tsx')), 'ActivityPage'),
});
const errors = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/errors',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./errors/issues-page.tsx')), 'IssuesPage'),
});
const errorKeys = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/errors/keys',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./errors/error-keys-page.tsx')), 'ErrorKeysPage'),
});
const error = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/errors/$id',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./errors/issue-page.tsx')), 'IssuePage'),
});

const account = createRoute({
  getParentRoute: () => inShell,
  path: '/account',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./account/account-page.tsx')), 'AccountPage'),
});
const people = createRoute({
  getParentRoute: () => inShell,
  path: '/people',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./people/people-page.tsx')), 'PeoplePage'),
});
const forgotPassword = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./sign-in/forgot-password-page.tsx')),
    'ForgotPasswordPage',
  ),
});
const resetPassword = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./sign-in/reset-password-page.tsx')),
    'ResetPasswordPage',
  ),
});
const device = createRoute({
  getParentRoute: () => signedIn,
  path: '/device',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./device/device-page.tsx')), 'DevicePage'),
});
const invitation = createRoute({
  getParentRoute: () => root,
  path: '/accept-invitation',
  component: lazyRouteComponent(
    () => importWhenOnline(() => import('./invitation/invitation-page.tsx')),
    'InvitationPage',
  ),
});
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./sign-in/sign-in-page.tsx')), 'SignInPage'),
});
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => importWhenOnline(() => import('./sign-in/setup-page.tsx')), 'SetupPage'),
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
        activity,
        errors,
        errorKeys,
        error,
        settings.addChildren([
          settingsHome,
          accessTokens,
          accessToken,
          apiKeys,
          apiKey,
          members,
          activityLog,
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
  // Keeps all values strings: a search for 123 is not parsed as a number.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    );
    const text = new URLSearchParams(entries).toString();
    return text === '' ? '' : `?${text}`;
  },
  defaultPendingComponent: () => (
    <Center h="60dvh">
      <Loader aria-label="Loading" />
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
