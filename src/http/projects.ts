import { ResourceQuery } from '../contract/paging.ts';
import { CreateProject, Project, UpdateProject } from '../contract/projects.ts';
import {
  createProject,
  deleteProject,
  getProject,
  listProjects,
  updateProject,
} from '../platform/resources/projects.ts';
import type { AppContext } from './app-context.ts';
import { resourceRoutes } from './resource-routes.ts';
import type { Route } from './route.ts';

const readAccess = { person: 'member', key: ['read', 'manage_projects'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_projects'] } as const;
const deleteAccess = { person: 'admin', key: ['delete', 'manage_projects'] } as const;

export function projectRoutes(context: AppContext): Route[] {
  return resourceRoutes(context, {
    noun: 'project',
    tag: 'Projects',
    schema: Project,
    list: {
      access: readAccess,
      resourceAccess: 'filtered',
      summary: 'List projects',
      query: ResourceQuery,
      action: listProjects,
    },
    create: {
      access: writeAccess,
      resourceAccess: 'workspace',
      summary: 'Create a project',
      body: CreateProject,
      action: createProject,
    },
    get: { access: readAccess, resourceAccess: 'project', summary: 'Get a project', action: getProject },
    update: {
      access: writeAccess,
      resourceAccess: 'project',
      summary: 'Edit a project',
      body: UpdateProject,
      action: updateProject,
    },
    remove: {
      access: deleteAccess,
      resourceAccess: 'project',
      summary: 'Delete a project',
      description: 'Not possible while the project has apps.',
      action: deleteProject,
    },
  });
}
