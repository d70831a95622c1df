import { ConfirmGitHost, DeployKey, GitHostCheck } from '../contract/deploy-keys.ts';
import {
  checkGitHost,
  confirmGitHost,
  createDeployKey,
  deleteDeployKey,
  getDeployKey,
} from '../platform/resources/deploy-keys.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { AppParams, NoContent, type Route, route } from './route.ts';

const writeAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;

/**
 * Routes for an app's deploy key, with which the repository is fetched over SSH, and for the host keys of its Git host.
 */
export function deployKeyRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const common = { resourceAccess: 'app', tag: 'Apps', params: AppParams } as const;
  return [
    route({
      ...common,
      method: 'GET',
      url: '/v1/apps/:app/deploy-key',
      access: { person: 'member', key: ['read', 'manage_apps'] },
      summary: 'Get the deploy key of an app',
      description: 'Returns the public key only.',
      responses: { 200: DeployKey },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getDeployKey(platform, workspaceIdOf(request), params.app),
    }),
    route({
      ...common,
      method: 'POST',
      url: '/v1/apps/:app/deploy-key',
      access: writeAccess,
      summary: 'Create or replace the deploy key of an app',
      description:
        'Creates a key pair for a repository that is fetched over SSH. The private key leaves Devpilot only for the step that fetches the source.',
      responses: { 201: DeployKey },
      errorCodes: ['not_found', 'idempotent_replay'],
      handler: ({ params, request }) => createDeployKey(platform, requestContextOf(context, request), params.app),
    }),
    route({
      ...common,
      method: 'DELETE',
      url: '/v1/apps/:app/deploy-key',
      access: writeAccess,
      summary: 'Delete the deploy key of an app',
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteDeployKey(platform, requestContextOf(context, request), params.app),
    }),
    route({
      ...common,
      method: 'POST',
      url: '/v1/apps/:app/deploy-key/check',
      access: { person: 'admin', key: ['manage_apps'] },
      summary: 'Get the host keys of the Git host',
      description: 'Compare one of them with the keys that the host publishes, then confirm it.',
      responses: { 200: GitHostCheck },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => checkGitHost(platform, workspaceIdOf(request), params.app),
    }),
    route({
      ...common,
      method: 'POST',
      url: '/v1/apps/:app/deploy-key/confirm',
      access: { person: 'admin' },
      summary: 'Confirm the host key of the Git host',
      description: 'The app can be deployed with its deploy key only after this.',
      body: ConfirmGitHost,
      responses: { 200: DeployKey },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request, body }) =>
        confirmGitHost(platform, requestContextOf(context, request), params.app, body),
    }),
  ];
}
