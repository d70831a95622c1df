/** Repositories on Git hosts: their pages and APIs. Runs in browsers. */
import { sshHostOf } from './repository.ts';

/** Git hosts by their API for commit statuses. Forgejo has the API of Gitea. */
export const STATUS_KINDS = ['github', 'gitlab', 'gitea'] as const;
export type StatusKind = (typeof STATUS_KINDS)[number];

/** A repository at a Git host. */
export interface HostedRepository {
  readonly host: string;
  /** Base URL of the host's pages and API: the scheme, host and port of an http(s) repository; https for others. */
  readonly origin: string;
  /** Such as `owner/name`; GitLab has nested groups. */
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

/** Returns which API a well-known Git host has; null for others. Pure. */
export const statusKindOf = (host: string): StatusKind | null => KNOWN_KINDS[host] ?? null;

const API_PATHS: Readonly<Record<StatusKind, string>> = { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' };

/** Returns the base of the API of a Git host. Pure. */
export function apiUrlOf({ host, origin }: HostedRepository, kind: StatusKind): string {
  return host === 'github.com' ? 'https://api.github.com' : `${origin}${API_PATHS[kind]}`;
}

/** Returns the page of a commit at its Git host; null if the repository is not at a Git host. Pure. */
export function commitPageOf(repository: string | null, commit: string): string | null {
  const found = hostedRepositoryOf(repository);
  if (found === null) return null;
  const { host, origin, path } = found;
  const pages = host === 'bitbucket.org' ? 'commits' : statusKindOf(host) === 'gitlab' ? '-/commit' : 'commit';
  // Not every host that ssh accepts is valid in a URL, such as 1.2.3.999.
  return URL.parse(`${origin}/${path}/${pages}/${commit}`)?.href ?? null;
}
