import {
  type AnyRoute,
  createRootRoute,
  createRoute,
  lazyRouteComponent,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { isSignedOutError, queryClient } from './api.ts';
import { TextLink } from './components/link.tsx';
import { importWhenOnline } from './connection.ts';
import {
  CurrentWorkspace,
  chooseWorkspace,
  meQuery,
  rememberWorkspace,
  useSecondFactorNeeded,
  useWorkspaceOrNull,
  workspacesQuery,
} from './session.ts';
import { SettingsLayout } from './settings/settings-layout.tsx';
import { CenteredLayout } from './shell/centered-layout.tsx';
import { NoSuchWorkspace } from './shell/no-such-workspace.tsx';
import { SecondFactorNeeded } from './shell/second-factor-needed.tsx';
import { Shell } from './shell/shell.tsx';
import { strings } from './strings.ts';

/** The query string of a URL. All values are strings. Secrets and codes are passed only in the fragment. */
export interface AppSearch {
  /** The slug or the ID of the tab's workspace. */
  workspace?: string;
  /** The path to return to after signing in or turning on two-factor authentication. */
  from?: string;
  [name: string]: string | undefined;
}

export const root = createRootRoute({
  validateSearch: (search: AppSearch): AppSearch => search,
  search: { middlewares: [retainSearchParams(['workspace'])] },
  component: Outlet,
  notFoundComponent: () => (
    <CenteredLayout title={strings.router.pageNotFoundTitle} description={strings.router.pageNotFoundDescription}>
      <TextLink to="/">{strings.router.pageNotFoundLink}</TextLink>
    </CenteredLayout>
  ),
});

/** Pages that require sign-in. A person without a session is redirected to sign-in and back. */
export const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ location }) => {
    try {
      await Promise.all([queryClient.ensureQueryData(meQuery), queryClient.ensureQueryData(workspacesQuery)]);
    } catch (error) {
      if (!isSignedOutError(error)) throw error;
      throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { from: location.href } });
    }
  },
});

/** Signed-in pages with navigation. The URL names the tab's workspace, unless the person is in no workspace. */
export const inShell = createRoute({
  getParentRoute: () => signedIn,
  id: 'in-shell',
  component: Shell,
  beforeLoad: async ({ location, search }) => {
    const workspaces = await queryClient.ensureQueryData(workspacesQuery);
    const namedWorkspace = workspaces.find(({ slug, id }) => slug === search.workspace || id === search.workspace);
    if (namedWorkspace !== undefined) return rememberWorkspace(namedWorkspace);
    // `inWorkspace` reports that the person is in no such workspace.
    if (search.workspace !== undefined) return;
    const chosen = await chooseWorkspace(workspaces);
    if (chosen === null) {
      // The only pages with navigation that need no workspace.
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

/** Pages within a workspace, rendered only if the person is a member and has the second factor that it requires. */
export const inWorkspace = createRoute({
  getParentRoute: () => inShell,
  id: 'in-workspace',
  component: function InWorkspace() {
    const workspace = useWorkspaceOrNull();
    const isSecondFactorNeeded = useSecondFactorNeeded(workspace?.id);
    if (workspace === null) return <NoSuchWorkspace />;
    if (isSecondFactorNeeded) return <SecondFactorNeeded workspace={workspace} />;
    return (
      <CurrentWorkspace value={workspace}>
        {/* The key unmounts the page when the workspace changes, so that no input or selection is carried over. */}
        <Outlet key={workspace.id} />
      </CurrentWorkspace>
    );
  },
});

export const settings = createRoute({
  getParentRoute: () => inWorkspace,
  path: '/settings',
  component: SettingsLayout,
});

/** Declares a page whose module is loaded when the page is opened; `name` is the component that the module exports. */
export function page<Parent extends AnyRoute, const Path extends string, Name extends string>(
  parent: Parent,
  path: Path,
  load: () => Promise<Readonly<Record<Name, unknown>>>,
  name: Name,
) {
  return createRoute({
    getParentRoute: () => parent,
    path,
    component: lazyRouteComponent(() => importWhenOnline(load), name),
  });
}
