import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RequestContext } from '../audit/request-context.ts';
import { CreatedInvitation, CreateInvitation, Invitation } from '../contract/invitations.ts';
import { Member, UpdateMember } from '../contract/members.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { CreateWorkspace, TransferOwnership, UpdateWorkspace, Workspace } from '../contract/workspaces.ts';
import { acceptInvitation, createInvitation, deleteInvitation, listInvitations } from '../people/invitations.ts';
import { listMembers, removeMember, updateMember } from '../people/members.ts';
import { endMemberSessions, leaveWorkspace } from '../people/offboarding.ts';
import {
  createWorkspace,
  deleteWorkspace,
  listWorkspaces,
  transferOwnership,
  updateWorkspace,
} from '../people/workspaces.ts';
import { needsSecondFactor } from '../store/policy.ts';
import { findWorkspace, type WorkspaceRow } from '../store/workspaces.ts';
import type { AppContext } from './app-context.ts';
import { recordRoleDenial, secondFactorNeeded } from './authorize-principal.ts';
import { membershipOf, personOf, signedInOf } from './principal.ts';
import { idempotencyClaimOf, originOf, requestContextIn, requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

const WorkspaceParams = z.object({ workspace: z.string().max(64) });

/**
 * Returns the workspace in the path, and the context of requests in it. Throws `not_found`, `second_factor_needed`, and
 * `forbidden` if the person's role is lower than `requiredRole`.
 */
async function requireWorkspaceInPath(
  context: AppContext,
  request: FastifyRequest,
  idOrSlug: string,
  requiredRole: Role,
): Promise<{ requestContext: RequestContext; workspace: WorkspaceRow }> {
  const signedIn = signedInOf(request);
  const workspace = await findWorkspace(context.store.read, signedIn.personId, idOrSlug);
  if (workspace === undefined) throw new Problem('not_found', 'The workspace was not found.');
  if (await needsSecondFactor(context.store.read, workspace.id, signedIn)) throw secondFactorNeeded();
  if (ROLE_RANK[workspace.role] < ROLE_RANK[requiredRole]) {
    const membership = { role: workspace.role, workspaceId: workspace.id };
    throw recordRoleDenial(context, request, personOf(request), membership, requiredRole);
  }
  return { requestContext: requestContextIn(workspace.id, request), workspace };
}

export function workspaceRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'Workspaces';
  return [
    route({
      method: 'GET',
      url: '/v1/workspaces',
      access: { person: 'signed_in' },
      summary: 'List your workspaces',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(Workspace) },
      handler: ({ query, request }) => listWorkspaces(people, signedInOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/workspaces',
      access: { person: 'signed_in' },
      summary: 'Create a workspace',
      description: 'You become its owner.',
      tag,
      body: CreateWorkspace,
      responses: { 201: Workspace },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        const claim = idempotencyClaimOf(context, request, '');
        return createWorkspace(people, signedIn, body, originOf(request), claim);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/workspaces/:workspace',
      access: { person: 'signed_in' },
      summary: 'Edit a workspace',
      description: 'The owner and admins can change its name and slug. Only the owner can change `sso`.',
      tag,
      params: WorkspaceParams,
      body: UpdateWorkspace,
      responses: { 200: Workspace },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request }) => {
        const role = body.sso === undefined ? 'admin' : 'owner';
        const { requestContext } = await requireWorkspaceInPath(context, request, params.workspace, role);
        return updateWorkspace(people, requestContext, body);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/workspaces/:workspace',
      access: { person: 'signed_in' },
      summary: 'Delete a workspace',
      description:
        'Deletes everything in it, including all credentials, except its activity log, which is kept for operators. Only the owner can delete a workspace.',
      tag,
      params: WorkspaceParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, request }) => {
        const { requestContext, workspace } = await requireWorkspaceInPath(context, request, params.workspace, 'owner');
        await deleteWorkspace(people, requestContext, workspace.name);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/workspaces/:workspace/owner',
      access: { person: 'signed_in' },
      summary: 'Transfer ownership of a workspace',
      description:
        'The new owner must be a member, and the previous owner becomes an admin. Only the owner can transfer ownership; to an operator, only if the owner is an operator too.',
      tag,
      params: WorkspaceParams,
      body: TransferOwnership,
      responses: { 200: Workspace },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request }) => {
        const { requestContext } = await requireWorkspaceInPath(context, request, params.workspace, 'owner');
        return transferOwnership(people, requestContext, body.memberId);
      },
    }),
  ];
}

export function memberRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'Members';
  return [
    route({
      method: 'GET',
      url: '/v1/members',
      access: { person: 'member' },
      summary: 'List members',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(Member) },
      handler: ({ query, request }) => listMembers(people, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'PATCH',
      url: '/v1/members/:id',
      essential: true,
      access: { person: 'admin' },
      summary: "Change a member's role",
      description: 'Not possible for the owner.',
      tag,
      params: IdParams,
      body: UpdateMember,
      responses: { 200: Member },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        updateMember(people, requestContextOf(context, request), params.id, body.role),
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/me',
      access: { person: 'member' },
      summary: 'Leave a workspace',
      description: 'The owner cannot leave.',
      tag,
      responses: { 204: NoContent },
      errorCodes: ['conflict'],
      handler: ({ request }) =>
        leaveWorkspace(people, requestContextOf(context, request), membershipOf(request).memberId),
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/:id/sessions',
      access: { person: 'admin' },
      summary: 'End all sessions of a member',
      description: "Only the owner can end the owner's sessions.",
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, request }) => {
        const isOwner = membershipOf(request).role === 'owner';
        await endMemberSessions(people, requestContextOf(context, request), params.id, isOwner);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/:id',
      access: { person: 'admin' },
      summary: 'Remove a member',
      description: 'Not possible for the owner.',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => removeMember(people, requestContextOf(context, request), params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/invitations',
      access: { person: 'admin' },
      summary: 'List pending invitations',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(Invitation) },
      handler: ({ query, request }) => listInvitations(people, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/invitations',
      access: { person: 'admin' },
      summary: 'Create an invitation',
      tag,
      body: CreateInvitation,
      responses: { 201: CreatedInvitation },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: ({ body, request }) =>
        createInvitation(people, requestContextOf(context, request), personOf(request), body),
    }),
    route({
      method: 'DELETE',
      url: '/v1/invitations/:id',
      access: { person: 'admin' },
      summary: 'Revoke an invitation',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteInvitation(people, requestContextOf(context, request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/invitations/:code/accept',
      access: { person: 'signed_in' },
      summary: 'Accept an invitation',
      description: 'The email address of your account must be the invited one.',
      tag,
      params: z.object({ code: z.string().max(255) }),
      responses: { 200: Workspace },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => acceptInvitation(people, signedInOf(request), params.code, originOf(request)),
    }),
  ];
}
