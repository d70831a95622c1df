import { createLeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import { Deployment } from '../contract/deployments.ts';
import { PUSH_LIMITS, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import { PushIgnored, PushSecret } from '../contract/push.ts';
import { createPushSecret, receivePush } from '../platform/push/push.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import { requestContextOf } from './request-context.ts';
import { AppParams, type Route, rawBodyOf, route } from './route.ts';

/**
 * Routes of push to deploy: one receives pushes from a Git host, the other creates the secret that authenticates them.
 */
export function pushRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const unknownSecretLimiter = createLeakyBucketLimiter(UNKNOWN_SECRET_LIMITS);
  return [
    route({
      method: 'POST',
      url: '/v1/apps/:app/push',
      access: { public: true },
      summary: 'Receive a push from a Git host',
      description:
        'For webhooks of GitHub, GitLab, Gitea and Forgejo. Deploys the app from the pushed branch if the push matches the branch and path filters of the app. GitHub, Gitea and Forgejo sign the request with the push secret; GitLab sends the secret itself.',
      tag: 'Deployments',
      params: AppParams,
      bodyFormat: 'bytes',
      bodyLimit: PUSH_LIMITS.bodyBytes,
      responses: { 202: Deployment, 200: PushIgnored.describe('The push does not deploy the app') },
      errorCodes: ['invalid_token', 'too_large', 'unsupported_media_type', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const pushRequest = { headers: request.headers, body: rawBodyOf(request), address: clientAddressOf(request) };
        const result = await receivePush(platform, unknownSecretLimiter, params.app, pushRequest);
        if (result.deployment === null) return reply.code(200).send(result);
        return reply.code(202).header('location', `/v1/deployments/${result.deployment.id}`).send(result.deployment);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/push-secret',
      access: { person: 'admin', key: ['write', 'manage_apps'] },
      resourceAccess: 'app',
      summary: 'Create or replace the push secret',
      description:
        'GitHub, Gitea and Forgejo sign pushes with this secret; GitLab sends the secret itself. It is shown only once.',
      tag: 'Deployments',
      params: AppParams,
      responses: { 201: PushSecret },
      errorCodes: ['not_found', 'idempotent_replay'],
      handler: ({ params, request }) => createPushSecret(platform, requestContextOf(context, request), params.app),
    }),
  ];
}
