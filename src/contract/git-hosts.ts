/** Repositories on Git hosts: their pages and APIs. Runs in browsers. */
import { sshHostOf } from './repository.ts';

/** Kinds of APIs for commit statuses. Forgejo has the API of Gitea. */
export const STATUS_KINDS = ['github', 'gitlab', 'gitea'] as const;
export type StatusKind = (typeof STATUS_KINDS)[number];

/** A repository on a Git host. */
export interface HostedRepository {
  readonly host: string;
  /** Base URL of the host's pages and API: the origin of an http(s) repository, or the host with https for other URLs. */
  readonly origin: string;
  /** For example `owner/name`. On GitLab, it can have more segments, because groups can be nested. */
  readonly path: string;
}

/** Returns the host and path of a repository; null for a path on a server and for URLs without a host or path. Pure. */
export function hostedRepositoryOf(repository: string | null): HostedRepository | null {
  if (repository === null || repository.startsWith('/')) return null;
  const scp = /^[^@/\s]+@[^:/\s]+:(.*)$/.exec(repository)?.[1];
  const url = scp === undefined ? URL.parse(repository) : null;
  const ssh = sshHostOf(repository);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  const host = isHttp ? url.hostname : ssh?.host;
  const path = (scp ?? url?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const segments = path.split('/');
  if (host === undefined || segments.length < 2 || segments.some((name) => /^\.{0,2}$/.test(name))) return null;
  return { host, origin: isHttp ? url.origin : `https://${host.includes(':') ? `[${host}]` : host}`, path };
}

const KNOWN_KINDS: Readonly<Record<string, StatusKind>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'codeberg.org': 'gitea',
  'gitea.com': 'gitea',
};

/** Returns the API of a well-known Git host; null for other hosts. Pure. */
export const statusKindOf = (host: string): StatusKind | null => KNOWN_KINDS[host] ?? null;

const API_PATHS: Readonly<Record<StatusKind, string>> = { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' };

/** Returns the base URL of the API of a Git host. Pure. */
export function apiUrlOf({ host, origin }: HostedRepository, kind: StatusKind): string {
  return host === 'github.com' ? 'https://api.github.com' : `${origin}${API_PATHS[kind]}`;
}

/** Returns the URL of a commit's page on its Git host; null if the repository is not on a Git host. Pure. */
export function commitPageOf(repository: string | null, commit: string): string | null {
  const hosted = hostedRepositoryOf(repository);
  if (hosted === null) return null;
  const { host, origin, path } = hosted;
  const commitPath = host === 'bitbucket.org' ? 'commits' : statusKindOf(host) === 'gitlab' ? '-/commit' : 'commit';
  // Not every host that ssh accepts is valid in a URL, such as 1.2.3.999.
  return URL.parse(`${origin}/${path}/${commitPath}/${commit}`)?.href ?? null;
}
