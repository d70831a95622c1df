import type { CreateProject, Project, UpdateProject } from '../contract/resources.ts';
import type { ResourceListQuery } from '../sdk/client.ts';
import { showInstant } from './output.ts';
import { commandsOf } from './resources.ts';

export const projects = commandsOf<Project, ResourceListQuery, CreateProject, UpdateProject>({
  noun: 'project',
  loss: 'It must hold no apps.',
  of: (client) => client.projects,
  columns: [
    { title: 'ID', of: ({ id }) => id },
    { title: 'SLUG', of: ({ slug }) => slug },
    { title: 'NAME', of: ({ name }) => name },
    { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  ],
  facts: [
    { title: 'Id', of: ({ id }) => id },
    { title: 'Name', of: ({ name }) => name },
    { title: 'Slug', of: ({ slug }) => slug },
    { title: 'Description', of: ({ description }) => description },
    { title: 'Created', of: ({ createdAt }) => createdAt },
    { title: 'Changed', of: ({ updatedAt }) => updatedAt },
  ],
});
