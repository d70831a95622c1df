import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import {
  CreatedInvitation,
  CreateInvitation,
  CreateWorkspace,
  HandOver,
  Invitation,
  Member,
  PageQuery,
  pageOf,
  UpdateMember,
  UpdateWorkspace,
  Workspace,
} from '../contract/schemas.ts';
import { ROLE_RANK, type Role } from '../contract/words.ts';
import type { MemberAsker } from '../people/context.ts';
import { acceptInvitation, createInvitation, deleteInvitation, listInvitations } from '../people/invitations.ts';
import { endMemberSessions, leaveWorkspace } from '../people/leaving.ts';
import { listMembers, removeMember, updateMember } from '../people/members.ts';
import {
  createWorkspace,
  deleteWorkspace,
  handOverOwnership,
  listWorkspaces,
  updateWorkspace,
} from '../people/workspaces.ts';
import { findWorkspace, type WorkspaceRow } from '../store/workspaces.ts';
import type { House } from './house.ts';
import { signedInOf } from './people.ts';
import { originOf } from './principal.ts';
import { askerOf, claimOf, membershipOf, type Route, route } from './route.ts';

const nothing = z.null().describe('Done');
const Id = z.object({ id: z.string().max(64) });
const InPath = z.object({ workspace: z.string().max(64) });

/** The workspace that a path names, for a person with at least this role in it. Throws `not_found`, `forbidden`. */
async function workspaceInPath(
  house: House,
  request: FastifyRequest,
  idOrSlug: string,
  role: Role,
): Promise<{ asker: MemberAsker; workspace: WorkspaceRow }> {
  const who = signedInOf(request);
  const workspace = await findWorkspace(house.store.read, who.personId, idOrSlug);
  if (workspace === undefined) throw new Problem('not_found', 'There is no such workspace.');
  const person = { id: who.personId, name: who.name };
  const origin = originOf(request);
  if (ROLE_RANK[workspace.role] < ROLE_RANK[role]) {
    house.denials.note({
      workspaceId: workspace.id,
      action: 'person.denied',
      actor: { kind: 'person', ...person },
      credential: null,
      reason: `${request.method} ${request.routeOptions.url ?? ''}`,
      origin,
      at: house.clock(),
    });
    throw new Problem('forbidden', `This needs the ${role} of the workspace; you are ${workspace.role}.`);
  }
  return { asker: { workspaceId: workspace.id, person, origin }, workspace };
}

export function workspaceRoutes(house: House): Route[] {
  const { people } = house;
  const tag = 'Workspaces';
  return [
    route({
      method: 'GET',
      url: '/v1/workspaces',
      access: { person: 'signed_in' },
      summary: 'List own workspaces',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(Workspace) },
      handler: ({ query, request }) => listWorkspaces(people, signedInOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/workspaces',
      access: { person: 'signed_in' },
      summary: 'Create a workspace and become its owner',
      tag,
      body: CreateWorkspace,
      answers: { 201: Workspace },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        const claim = claimOf(house, request, '');
        return reply.code(201).send(await createWorkspace(people, who, body, originOf(request), claim));
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/workspaces/:workspace',
      access: { person: 'signed_in' },
      summary: 'Rename a workspace (owner or admin of it)',
      tag,
      params: InPath,
      body: UpdateWorkspace,
      answers: { 200: Workspace },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request }) => {
        const { asker } = await workspaceInPath(house, request, params.workspace, 'admin');
        return updateWorkspace(people, asker, body);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/workspaces/:workspace',
      access: { person: 'signed_in' },
      summary: 'Delete a workspace with all its credentials (its owner)',
      tag,
      params: InPath,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const { asker, workspace } = await workspaceInPath(house, request, params.workspace, 'owner');
        await deleteWorkspace(people, asker, workspace.name);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/workspaces/:workspace/owner',
      access: { person: 'signed_in' },
      summary: 'Hand ownership over to another member (the owner)',
      tag,
      params: InPath,
      body: HandOver,
      answers: { 200: Workspace },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request }) => {
        const { asker } = await workspaceInPath(house, request, params.workspace, 'owner');
        return handOverOwnership(people, asker, body.memberId);
      },
    }),
  ];
}

export function memberRoutes(house: House): Route[] {
  const { people } = house;
  const tag = 'Members';
  return [
    route({
      method: 'GET',
      url: '/v1/members',
      access: { person: 'member' },
      summary: 'List members',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(Member) },
      handler: ({ query, request }) => listMembers(people, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'PATCH',
      url: '/v1/members/:id',
      essential: true,
      access: { person: 'admin' },
      summary: "Change a member's role",
      tag,
      params: Id,
      body: UpdateMember,
      answers: { 200: Member },
      codes: ['not_found'],
      handler: ({ params, body, request }) => updateMember(people, askerOf(house, request), params.id, body.role),
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/me',
      access: { person: 'member' },
      summary: 'Leave the workspace; refused for its owner',
      tag,
      answers: { 204: nothing },
      codes: ['conflict'],
      handler: async ({ request, reply }) => {
        await leaveWorkspace(people, askerOf(house, request), membershipOf(request).memberId);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/:id/sessions',
      access: { person: 'admin' },
      summary: "End all sessions of a member; the owner's only by the owner",
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const isOwner = membershipOf(request).role === 'owner';
        await endMemberSessions(people, askerOf(house, request), params.id, isOwner);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/members/:id',
      access: { person: 'admin' },
      summary: 'Remove a member',
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await removeMember(people, askerOf(house, request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/invitations',
      access: { person: 'admin' },
      summary: 'List open invitations',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(Invitation) },
      handler: ({ query, request }) => listInvitations(people, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/invitations',
      access: { person: 'admin' },
      summary: 'Invite someone by a link',
      tag,
      body: CreateInvitation,
      answers: { 201: CreatedInvitation },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) =>
        reply.code(201).send(await createInvitation(people, askerOf(house, request), body)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/invitations/:id',
      access: { person: 'admin' },
      summary: 'Withdraw an invitation',
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await deleteInvitation(people, askerOf(house, request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/invitations/:code/accept',
      access: { person: 'signed_in' },
      summary: 'Accept an invitation; needs the invited email address',
      tag,
      params: z.object({ code: z.string().max(255) }),
      answers: { 200: Workspace },
      codes: ['not_found', 'conflict'],
      handler: ({ params, request }) => acceptInvitation(people, signedInOf(request), params.code, originOf(request)),
    }),
  ];
}
