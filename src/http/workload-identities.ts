import type { FastifyReply } from 'fastify';
import { PageQuery, pageOf } from '../contract/paging.ts';
import {
  CreateWorkloadIdentity,
  TestWorkloadIdentity,
  UpdateWorkloadIdentity,
  WorkloadExchanges,
  WorkloadIdentity,
  WorkloadIdentityTest,
} from '../contract/workload-identities.ts';
import {
  createWorkloadIdentity,
  deleteWorkloadIdentity,
  etagOfWorkloadIdentity,
  updateWorkloadIdentity,
} from '../credentials/workload-identities.ts';
import {
  getWorkloadIdentity,
  listExchanges,
  listWorkloadIdentities,
  testWorkloadIdentity,
} from '../credentials/workload-identity-reads.ts';
import type { AppContext } from './app-context.ts';
import { setRevocationHeader } from './credentials.ts';
import { workspaceIdOf } from './principal.ts';
import { baseUrlOf } from './public-origin.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

const tag = 'Workload identities';
const url = '/v1/workload-identities';
const readAccess = { person: 'member' } as const;
const writeAccess = { person: 'admin' } as const;
const itemRoute = { tag, url: `${url}/:id`, params: IdParams } as const;

function withEtag(reply: FastifyReply, identity: WorkloadIdentity): WorkloadIdentity {
  reply.header('etag', etagOfWorkloadIdentity(identity));
  return identity;
}

export function workloadIdentityRoutes(context: AppContext): Route[] {
  const { workloads } = context;
  return [
    route({
      method: 'GET',
      url,
      access: readAccess,
      tag,
      summary: 'List workload identities',
      description: 'Newest first.',
      query: PageQuery,
      responses: { 200: pageOf(WorkloadIdentity) },
      handler: ({ query, request }) => listWorkloadIdentities(workloads, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url,
      access: writeAccess,
      tag,
      summary: 'Create a workload identity',
      description: 'Tokens of the issuer that meet the conditions can be exchanged for access tokens.',
      body: CreateWorkloadIdentity,
      responses: { 201: WorkloadIdentity },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        const identity = await createWorkloadIdentity(workloads, requestContext, body, baseUrlOf(context, request));
        reply.header('location', `${url}/${identity.id}`);
        return withEtag(reply, identity);
      },
    }),
    route({
      ...itemRoute,
      method: 'GET',
      access: readAccess,
      summary: 'Get a workload identity',
      responses: { 200: WorkloadIdentity },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) =>
        withEtag(reply, await getWorkloadIdentity(workloads, workspaceIdOf(request), params.id)),
    }),
    route({
      ...itemRoute,
      method: 'PATCH',
      access: writeAccess,
      checksIfMatch: true,
      summary: 'Edit a workload identity',
      description:
        'If anything except the name or the lifetime changes, the access tokens that were issued for the identity stop working before the response is sent.',
      body: UpdateWorkloadIdentity,
      responses: { 200: WorkloadIdentity },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        const { identity, receipt } = await updateWorkloadIdentity(workloads, requestContext, params.id, body);
        setRevocationHeader(reply, receipt);
        return withEtag(reply, identity);
      },
    }),
    route({
      ...itemRoute,
      method: 'DELETE',
      access: writeAccess,
      checksIfMatch: true,
      summary: 'Delete a workload identity',
      description: 'The access tokens that were issued for the identity stop working before the response is sent.',
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        setRevocationHeader(reply, await deleteWorkloadIdentity(workloads, requestContext, params.id));
      },
    }),
    route({
      ...itemRoute,
      method: 'GET',
      url: `${url}/:id/exchanges`,
      access: writeAccess,
      summary: 'List the exchanges of a workload identity',
      description: 'Returns the last accepted and the last refused exchanges, newest first.',
      responses: { 200: WorkloadExchanges },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => listExchanges(workloads, workspaceIdOf(request), params.id),
    }),
    route({
      ...itemRoute,
      method: 'POST',
      url: `${url}/:id/test`,
      access: writeAccess,
      summary: 'Test a workload identity',
      description:
        'Returns whether a token with these claims would be accepted. Its signature and its times are not checked.',
      body: TestWorkloadIdentity,
      responses: { 200: WorkloadIdentityTest },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        testWorkloadIdentity(workloads, workspaceIdOf(request), params.id, body.claims),
    }),
  ];
}
