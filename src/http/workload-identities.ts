import type { FastifyReply } from 'fastify';
import type { RevocationReceipt } from '../authorization/registry.ts';
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
  findWorkloadIdentity,
  listExchanges,
  listWorkloadIdentities,
  testWorkloadIdentity,
  updateWorkloadIdentity,
} from '../credentials/workload-identities.ts';
import type { AppContext } from './app-context.ts';
import { setRevocationHeader } from './credentials.ts';
import { workspaceIdOf } from './principal.ts';
import { baseUrlOf } from './public-origin.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

const tag = 'Workload identities';
const url = '/v1/workload-identities';
const readers = { person: 'member' } as const;
const admins = { person: 'admin' } as const;
const named = { tag, url: `${url}/:id`, params: IdParams } as const;

function setHeaders(reply: FastifyReply, identity: WorkloadIdentity): WorkloadIdentity {
  reply.header('etag', etagOfWorkloadIdentity(identity));
  return identity;
}

function setReceipt(reply: FastifyReply, receipt: RevocationReceipt | null): void {
  if (receipt !== null) setRevocationHeader(reply, receipt);
}

export function workloadIdentityRoutes(context: AppContext): Route[] {
  const { workloads } = context;
  return [
    route({
      ...{ method: 'GET', url, access: readers, tag },
      summary: 'List workload identities, newest first',
      query: PageQuery,
      responses: { 200: pageOf(WorkloadIdentity) },
      handler: ({ query, request }) => listWorkloadIdentities(workloads, workspaceIdOf(request), query),
    }),
    route({
      ...{ method: 'POST', url, access: admins, tag },
      summary: 'Create a workload identity: tokens of this issuer that meet the conditions get access tokens',
      body: CreateWorkloadIdentity,
      responses: { 201: WorkloadIdentity },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        const identity = await createWorkloadIdentity(workloads, requestContext, body, baseUrlOf(context, request));
        reply.header('location', `${url}/${identity.id}`);
        return setHeaders(reply, identity);
      },
    }),
    route({
      ...{ ...named, method: 'GET', access: readers },
      summary: 'Get a workload identity',
      responses: { 200: WorkloadIdentity },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) =>
        setHeaders(reply, await findWorkloadIdentity(workloads, workspaceIdOf(request), params.id)),
    }),
    route({
      ...{ ...named, method: 'PATCH', access: admins, checksIfMatch: true },
      summary:
        'Edit a workload identity; unless only the name or the lifetime changes, the access tokens issued before stop working before the response is sent',
      body: UpdateWorkloadIdentity,
      responses: { 200: WorkloadIdentity },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        const { identity, receipt } = await updateWorkloadIdentity(workloads, requestContext, params.id, body);
        setReceipt(reply, receipt);
        return setHeaders(reply, identity);
      },
    }),
    route({
      ...{ ...named, method: 'DELETE', access: admins, checksIfMatch: true },
      summary: 'Delete a workload identity; the access tokens issued for it stop working before the response is sent',
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        setReceipt(reply, await deleteWorkloadIdentity(workloads, requestContext, params.id));
      },
    }),
    route({
      ...{ ...named, method: 'GET', url: `${url}/:id/exchanges`, access: admins },
      summary: 'List the last exchanges of a workload identity, accepted and refused, newest first',
      responses: { 200: WorkloadExchanges },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => listExchanges(workloads, workspaceIdOf(request), params.id),
    }),
    route({
      ...{ ...named, method: 'POST', url: `${url}/:id/test`, access: admins },
      summary: 'Test whether a token with these claims would be accepted; its signature and its times are not checked',
      body: TestWorkloadIdentity,
      responses: { 200: WorkloadIdentityTest },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        testWorkloadIdentity(workloads, workspaceIdOf(request), params.id, body.claims),
    }),
  ];
}
