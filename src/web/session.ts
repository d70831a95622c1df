import { queryOptions, skipToken, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { createContext, useContext } from 'react';
import type { Person } from '../contract/people.ts';
import type { Workspace } from '../contract/workspaces.ts';
import type { Client } from '../sdk/client.ts';
import { api, getWorkspaceApi, queryClient, secondFactorNeededKey } from './api.ts';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => api.me.get({ signal }),
  staleTime: 60_000,
});

export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: async ({ signal }) => (await api.workspaces.list({ limit: 200 }, { signal })).data,
  staleTime: 60_000,
});

const WORKSPACE_STORAGE_KEY = 'devpilot.workspace';

/**
 * Returns the workspace for a tab whose URL names none: the tab's last workspace, otherwise the person's last one,
 * otherwise the first. Null if the person is in no workspace.
 */
export async function chooseWorkspace(workspaces: readonly Workspace[]): Promise<Workspace | null> {
  const remembered = workspaces.find(({ id }) => id === sessionStorage.getItem(WORKSPACE_STORAGE_KEY));
  if (remembered !== undefined) return remembered;
  const lastWorkspace = (await api.whoami()).workspace;
  return workspaces.find(({ id }) => id === lastWorkspace?.id) ?? workspaces[0] ?? null;
}

export function rememberWorkspace(workspace: Workspace): void {
  sessionStorage.setItem(WORKSPACE_STORAGE_KEY, workspace.id);
}

/** Removes all data that was loaded for the person who was signed in. */
export function clearSessionData(): void {
  queryClient.clear();
  sessionStorage.removeItem(WORKSPACE_STORAGE_KEY);
}

export function useMe(): Person {
  return useSuspenseQuery(meQuery).data;
}

/** The workspace in the tab's URL; null if the URL names none, or none that the person is a member of. */
export function useWorkspaceOrNull(): Workspace | null {
  const { workspace: slugOrId } = useSearch({ strict: false });
  const { data } = useQuery(workspacesQuery);
  return data?.find((workspace) => workspace.slug === slugOrId || workspace.id === slugOrId) ?? null;
}

/** Whether the workspace denies the person access until they turn on two-factor authentication. */
export function useSecondFactorNeeded(workspaceId: string | undefined): boolean {
  return useQuery<boolean>({ queryKey: secondFactorNeededKey(workspaceId), queryFn: skipToken }).data === true;
}

export interface WorkspaceAccess {
  readonly workspace: Workspace;
  /** The API client of this workspace. */
  readonly api: Client;
  /** Whether the person is an admin or the owner. */
  readonly isAdmin: boolean;
  readonly isOwner: boolean;
}

/** Provides the workspace to `useWorkspace`, for example to the pages within `inWorkspace` in layout-routes.tsx. */
export const CurrentWorkspace = createContext<Workspace | null>(null);

/**
 * The workspace of `CurrentWorkspace`, with its API client and the person's role. Throws outside `CurrentWorkspace`.
 */
export function useWorkspace(): WorkspaceAccess {
  const workspace = useContext(CurrentWorkspace);
  if (workspace === null) throw new Error('useWorkspace() must be used within CurrentWorkspace.');
  const isOwner = workspace.role === 'owner';
  return { workspace, api: getWorkspaceApi(workspace.id), isAdmin: isOwner || workspace.role === 'admin', isOwner };
}
