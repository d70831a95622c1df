import { useQuery } from '@tanstack/react-query';
import type { App } from '../../contract/apps.ts';
import type { Project } from '../../contract/projects.ts';
import type { Server } from '../../contract/servers.ts';
import { TextLink } from '../components/link.tsx';
import { useWorkspace } from '../session.ts';

/** Maximum number of resources of a kind whose names are loaded; select fields offer only these. */
const MAX_NAMES = 200;

export interface ProjectsAndServers {
  readonly projects: readonly Project[];
  readonly servers: readonly Server[];
  /**
   * Returns null if the project is deleted, not loaded yet, or not among the first `MAX_NAMES`; so does `serverName`.
   */
  projectName(id: string): string | null;
  serverName(id: string | null): string | null;
  readonly isPending: boolean;
}

/** The first projects and servers of the workspace, sorted by name, and their names by ID. */
export function useProjectsAndServers(): ProjectsAndServers {
  const { api, workspace } = useWorkspace();
  const projects = useQuery({
    queryKey: [workspace.id, 'projects', 'names'],
    queryFn: async ({ signal }) => (await api.projects.list({ limit: MAX_NAMES, sort: 'name' }, { signal })).data,
    staleTime: 30_000,
  });
  const servers = useQuery({
    queryKey: [workspace.id, 'servers', 'names'],
    queryFn: async ({ signal }) => (await api.servers.list({ limit: MAX_NAMES, sort: 'name' }, { signal })).data,
    staleTime: 30_000,
  });
  const resources = { projects: projects.data ?? [], servers: servers.data ?? [] };
  return {
    ...resources,
    projectName: (id) => resources.projects.find((candidate) => candidate.id === id)?.name ?? null,
    serverName: (id) => resources.servers.find((candidate) => candidate.id === id)?.name ?? null,
    isPending: projects.isPending || servers.isPending,
  };
}

/** The first apps of the workspace, sorted by name. */
export function useApps(): readonly App[] {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'apps', 'names'],
    queryFn: async ({ signal }) => (await api.apps.list({ limit: MAX_NAMES, sort: 'name' }, { signal })).data,
    staleTime: 30_000,
  });
  return data ?? [];
}

/** The name of an app, or its ID if the name is unknown, linked to its page. */
export function AppLink({ id }: { readonly id: string }) {
  const name = useApps().find((app) => app.id === id)?.name ?? id;
  return (
    <TextLink to="/apps/$app" params={{ app: id }}>
      <bdi>{name}</bdi>
    </TextLink>
  );
}

/** The name of a server, or its ID if the name is unknown, linked to its page. */
export function ServerLink({ id }: { readonly id: string }) {
  const { serverName } = useProjectsAndServers();
  return (
    <TextLink to="/servers/$server" params={{ server: id }}>
      <bdi>{serverName(id) ?? id}</bdi>
    </TextLink>
  );
}

/** The name of a project, or its ID if the name is unknown, linked to its page. */
export function ProjectLink({ id }: { readonly id: string }) {
  const { projectName } = useProjectsAndServers();
  return (
    <TextLink to="/projects/$project" params={{ project: id }}>
      {projectName(id) ?? id}
    </TextLink>
  );
}
