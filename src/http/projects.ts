import { z } from 'zod';
import { pageOf, ResourceQuery } from '../contract/paging.ts';
import { CreateProject, Project, UpdateProject } from '../contract/projects.ts';
import { etagOf } from '../platform/context.ts';
import {
  createProject,
  deleteProject,
  findProject,
  listProjects,
  updateProject,
} from '../platform/resources/projects.ts';
import type { AppContext } from './app-context.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Projects';
const ProjectParams = z.object({ project: z.string().max(64) });
const readAccess = { person: 'member', key: ['read', 'manage_projects'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_projects'] } as const;

export function projectRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/projects',
      access: readAccess,
      summary: 'List projects',
      tag,
      query: ResourceQuery,
      responses: { 200: pageOf(Project) },
      handler: ({ query, request }) => listProjects(platform, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/projects',
      access: writeAccess,
      summary: 'Create a project',
      tag,
      body: CreateProject,
      responses: { 201: Project },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const project = await createProject(platform, requestContextOf(context, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/projects/${project.id}`, etag: etagOf(project) })
          .send(project);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/projects/:project',
      access: readAccess,
      summary: 'Get a project',
      tag,
      params: ProjectParams,
      responses: { 200: Project },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const project = await findProject(platform, workspaceIdOf(request), params.project);
        return reply.header('etag', etagOf(project)).send(project);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/projects/:project',
      access: writeAccess,
      summary: 'Edit a project; with If-Match, only if it has not changed since it was read',
      tag,
      params: ProjectParams,
      body: UpdateProject,
      responses: { 200: Project },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const project = await updateProject(platform, requestContextOf(context, request), params.project, body);
        return reply.header('etag', etagOf(project)).send(project);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/projects/:project',
      access: { person: 'admin', key: ['delete', 'manage_projects'] },
      summary: 'Delete a project without apps',
      tag,
      params: ProjectParams,
      responses: { 204: z.null().describe('Done') },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteProject(platform, requestContextOf(context, request), params.project);
        return reply.code(204).send();
      },
    }),
  ];
}
