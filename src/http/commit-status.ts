import { CommitStatus, SetCommitStatus } from '../contract/commit-status.ts';
import { deleteCommitStatus, getCommitStatus, setCommitStatus } from '../platform/commit-status/settings.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { AppParams, NoContent, type Route, route } from './route.ts';

const writeAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;

/** Routes for the settings of commit statuses, which show the status of an app's deployments at its Git host. */
export function commitStatusRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const common = {
    url: '/v1/apps/:app/commit-status',
    resourceAccess: 'app',
    tag: 'Apps',
    params: AppParams,
  } as const;
  return [
    route({
      ...common,
      method: 'GET',
      access: { person: 'member', key: ['read', 'manage_apps'] },
      summary: 'Get the commit status settings of an app',
      responses: { 200: CommitStatus },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getCommitStatus(platform, workspaceIdOf(request), params.app),
    }),
    route({
      ...common,
      method: 'PUT',
      access: writeAccess,
      summary: 'Set up commit statuses for an app',
      description:
        "From then on, the status of each of the app's deployments is reported to GitHub, GitLab, Gitea or Forgejo.",
      body: SetCommitStatus,
      responses: { 200: CommitStatus },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request, body }) =>
        setCommitStatus(platform, requestContextOf(context, request), params.app, body),
    }),
    route({
      ...common,
      method: 'DELETE',
      access: writeAccess,
      summary: 'Stop reporting commit statuses',
      description: 'Also deletes the stored token.',
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteCommitStatus(platform, requestContextOf(context, request), params.app),
    }),
  ];
}
