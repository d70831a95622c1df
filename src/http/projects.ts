import { z } from 'zod';
import { CreateProject, Project, ResourceQuery, UpdateProject } from '../contract/resources.ts';
import { pageOf } from '../contract/schemas.ts';
import { tagOf } from '../workspace/context.ts';
import { createProject, deleteProject, findProject, listProjects, updateProject } from '../workspace/projects.ts';
import type { House } from './house.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Projects';
const InPath = z.object({ project: z.string().max(64) });
const read = { person: 'member', key: ['read', 'manage_projects'] } as const;
const write = { person: 'admin', key: ['write', 'manage_projects'] } as const;

export function projectRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/projects',
      access: read,
      summary: 'List projects',
      tag,
      query: ResourceQuery,
      answers: { 200: pageOf(Project) },
      handler: ({ query, request }) => listProjects(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/projects',
      access: write,
      summary: 'Create a project',
      tag,
      body: CreateProject,
      answers: { 201: Project },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const project = await createProject(workspace, changerOf(house, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/projects/${project.id}`, etag: tagOf(project) })
          .send(project);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/projects/:project',
      access: read,
      summary: 'Get a project',
      tag,
      params: InPath,
      answers: { 200: Project },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const project = await findProject(workspace, workspaceIdOf(request), params.project);
        return reply.header('etag', tagOf(project)).send(project);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/projects/:project',
      access: write,
      summary: 'Edit a project; with If-Match only if it is still the one that was read',
      tag,
      params: InPath,
      body: UpdateProject,
      answers: { 200: Project },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const project = await updateProject(workspace, changerOf(house, request), params.project, body);
        return reply.header('etag', tagOf(project)).send(project);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/projects/:project',
      access: { person: 'admin', key: ['delete', 'manage_projects'] },
      summary: 'Delete a project that holds no apps',
      tag,
      params: InPath,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteProject(workspace, changerOf(house, request), params.project);
        return reply.code(204).send();
      },
    }),
  ];
}
