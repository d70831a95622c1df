/** Repositories on Git hosts: their pages and APIs. Runs in browsers. */
import { sshHostOf } from './repository.ts';

/** APIs for commit statuses. Forgejo has the API of Gitea. */
export const COMMIT_STATUS_APIS = ['github', 'gitlab', 'gitea'] as const;
export type CommitStatusApi = (typeof COMMIT_STATUS_APIS)[number];

/** A repository on a Git host. */
export interface HostedRepository {
  readonly host: string;
  /**
   * Base URL of the host's pages: the origin of an http(s) repository; for an ssh repository, its host with https. For
   * the base URL of the API, see `apiUrlOf`.
   */
  readonly origin: string;
  /** For example `owner/name`. On GitLab, it can have more segments, because groups can be nested. */
  readonly path: string;
}

/**
 * Returns the host and path of a repository. Returns null if it is not fetched over http(s) or ssh, or if its path has
 * only one segment, or a segment that is empty, `.` or `..`. Pure.
 */
export function hostedRepositoryOf(repository: string | null): HostedRepository | null {
  if (repository === null || repository.startsWith('/')) return null;
  const scpPath = /^[^@/\s]+@[^:/\s]+:(.*)$/.exec(repository)?.[1];
  const url = scpPath === undefined ? URL.parse(repository) : null;
  const ssh = sshHostOf(repository);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  const host = isHttp ? url.hostname : ssh?.host;
  const path = (scpPath ?? url?.pathname ?? '').replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const segments = path.split('/');
  const isEmptyOrDots = (segment: string) => /^\.{0,2}$/.test(segment);
  if (host === undefined || segments.length < 2 || segments.some(isEmptyOrDots)) return null;
  const isIpv6 = host.includes(':');
  return { host, origin: isHttp ? url.origin : `https://${isIpv6 ? `[${host}]` : host}`, path };
}

const API_BY_HOST: Readonly<Record<string, CommitStatusApi>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'codeberg.org': 'gitea',
  'gitea.com': 'gitea',
};

/** Returns the API of a well-known Git host; null for other hosts. Pure. */
export const commitStatusApiOf = (host: string): CommitStatusApi | null => API_BY_HOST[host] ?? null;

const API_PATHS: Readonly<Record<CommitStatusApi, string>> = { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' };

/** Returns the base URL of the API of a Git host. Pure. */
export function apiUrlOf({ host, origin }: HostedRepository, kind: CommitStatusApi): string {
  return host === 'github.com' ? 'https://api.github.com' : `${origin}${API_PATHS[kind]}`;
}

/** Returns the part of a commit page's path between the repository and the commit. */
function commitSegmentOf(host: string): string {
  if (host === 'bitbucket.org') return 'commits';
  return commitStatusApiOf(host) === 'gitlab' ? '-/commit' : 'commit';
}

/** Returns the URL of a commit's page on its Git host; null if there is none. Pure. */
export function commitPageOf(repository: string | null, commit: string): string | null {
  const hosted = hostedRepositoryOf(repository);
  if (hosted === null) return null;
  const { host, origin, path } = hosted;
  // A host that ssh accepts, such as 1.2.3.999, is not always valid in a URL.
  return URL.parse(`${origin}/${path}/${commitSegmentOf(host)}/${commit}`)?.href ?? null;
}
