import type { CommitStatusApi, HostedRepository } from '../../contract/git-hosts.ts';
import type { WorkStatus } from '../../contract/platform-vocabulary.ts';

/** The status of a commit, independent of the Git host. */
export interface StatusReport {
  readonly status: WorkStatus;
  readonly commit: string;
  /** Distinguishes the statuses of several apps with the same repository. */
  readonly context: string;
  readonly description: string;
  /** The page of the deployment. */
  readonly targetUrl: string;
}

const STATES: Readonly<Record<CommitStatusApi, Readonly<Record<WorkStatus, string>>>> = {
  github: { pending: 'pending', processing: 'pending', completed: 'success', failed: 'failure', cancelled: 'error' },
  gitlab: { pending: 'pending', processing: 'running', completed: 'success', failed: 'failed', cancelled: 'canceled' },
  gitea: { pending: 'pending', processing: 'pending', completed: 'success', failed: 'failure', cancelled: 'error' },
};

/** Returns the last two segments of a path, with which GitHub and Gitea identify a repository. */
const ownerAndName = (path: string) => path.split('/').slice(-2).map(encodeURIComponent).join('/');

/**
 * Returns the request that sets a status: "Create a commit status" of GitHub's REST API (2022-11-28), "Set commit
 * pipeline status" of GitLab's API v4, `repoCreateStatus` of Gitea's API v1. Pure.
 */
export function statusRequest(
  kind: CommitStatusApi,
  apiUrl: string,
  { path }: HostedRepository,
  token: string,
  { status, commit, context, description, targetUrl }: StatusReport,
): { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const state = STATES[kind][status];
  const commonHeaders = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'Devpilot' };
  if (kind === 'gitlab') {
    return {
      url: `${apiUrl}/projects/${encodeURIComponent(path)}/statuses/${commit}`,
      headers: { ...commonHeaders, 'private-token': token },
      body: JSON.stringify({ state, name: context, description, target_url: targetUrl }),
    };
  }
  const githubHeaders = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
  return {
    url: `${apiUrl}/repos/${ownerAndName(path)}/statuses/${commit}`,
    headers: {
      ...commonHeaders,
      ...(kind === 'github' && githubHeaders),
      authorization: kind === 'github' ? `Bearer ${token}` : `token ${token}`,
    },
    body: JSON.stringify({ state, context, description, target_url: targetUrl }),
  };
}
