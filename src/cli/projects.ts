import type { CreateProject, Project, UpdateProject } from '../contract/projects.ts';
import type { ResourceListQuery } from '../sdk/client.ts';
import { formatInstant } from './output.ts';
import { resourceCommandsFor } from './resources.ts';

export const projects = resourceCommandsFor<Project, ResourceListQuery, CreateProject, UpdateProject>({
  noun: 'project',
  deleteWarning: 'A project that contains apps cannot be deleted.',
  endpoint: (client) => client.projects,
  columns: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'SLUG', getValue: ({ slug }) => slug },
    { title: 'NAME', getValue: ({ name }) => name },
    { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  ],
  detailFields: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'Name', getValue: ({ name }) => name },
    { title: 'Slug', getValue: ({ slug }) => slug },
    { title: 'Description', getValue: ({ description }) => description },
    { title: 'Created', getValue: ({ createdAt }) => createdAt },
    { title: 'Updated', getValue: ({ updatedAt }) => updatedAt },
  ],
});
