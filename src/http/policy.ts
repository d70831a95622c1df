import { z } from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { Policy, PolicyDryRun, UpdatePolicy, UpdatePolicyQuery } from '../contract/policy.ts';
import { etagOfPolicy, getPolicy, getViolations, updatePolicy } from '../credentials/policy.ts';
import type { AppContext } from './app-context.ts';
import { setRevocationHeader } from './credentials.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { type Route, route } from './route.ts';

export function policyRoutes(context: AppContext): Route[] {
  const { credentials } = context;
  const url = '/v1/policy';
  const tag = 'Policy';
  return [
    route({
      method: 'GET',
      url,
      access: { person: 'admin' },
      summary: 'Get the policy of the workspace',
      tag,
      responses: { 200: Policy },
      handler: async ({ request, reply }) => {
        const policy = await getPolicy(credentials, workspaceIdOf(request));
        reply.header('etag', etagOfPolicy(policy));
        return policy;
      },
    }),
    route({
      method: 'PATCH',
      url,
      access: { person: 'owner' },
      summary: 'Change the policy of the workspace',
      description:
        'With `dryRun=true`, changes nothing and returns the credentials and members that would violate the changed policy.',
      tag,
      query: UpdatePolicyQuery,
      body: UpdatePolicy,
      responses: { 200: z.union([PolicyDryRun, Policy]) },
      errorCodes: ['conflict'],
      checksIfMatch: true,
      handler: async ({ query, body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        if (query.dryRun === 'true') {
          const limit = Number(query.limit ?? LIMITS.page.default);
          return getViolations(credentials, requestContext, body, limit);
        }
        const { policy, receipt } = await updatePolicy(credentials, requestContext, body);
        setRevocationHeader(reply, receipt);
        reply.header('etag', etagOfPolicy(policy));
        return policy;
      },
    }),
  ];
}
