import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  createWorkspace: {
    workspaceName: 'Workspace name',
    workspaceNameDescription: 'The name of your team or company. You can rename it later.',
    workspaceNamePlaceholder: 'Acme',
    createWorkspace: 'Create workspace',
  },
  workspacePage: {
    workspaceSaved: 'Workspace saved',
    renameTitle: 'Name and slug',
    renameDescription: 'Members see the name. The slug identifies the workspace in URLs, the CLI and the API.',
    name: 'Name',
    slug: 'Slug',
    slugDescription:
      'Links and scripts that use the old slug stop working. Access tokens and API keys are not affected.',
    save: 'Save',
    deleteTitle: 'Delete workspace',
    deleted: (name: string) => phrase`Workspace ${name} deleted`,
    deletionConsequences: (workspace: ReactNode) =>
      sentence`Everything in ${workspace} is deleted: members lose access, and those without another workspace are signed out; invitations are revoked, and requests with its credentials are rejected from now on.`,
    countingCredentials: 'Counting the credentials that will be deleted…',
    willBeDeleted: (credentials: string) => `${credentials} will be deleted.`,
    leaveTitle: 'Leave workspace',
    left: (name: string) => phrase`You left ${name}`,
    leavingConsequences: (workspace: ReactNode) =>
      sentence`You need an invitation to rejoin ${workspace}. If this is your last workspace, you will be signed out.`,
    title: 'Workspace',
    detailsTitle: 'Details',
    id: 'ID',
    yourRole: 'Your role',
    created: 'Created',
    deleteDescription: 'Its access tokens and API keys stop working immediately, on every node. This cannot be undone.',
    leaveDescription: 'You lose access to it. Access tokens and API keys you created keep working.',
  },
  countCredentials: {
    accessTokens: (count: number) => `${count} ${plural(count, { one: 'access token', other: 'access tokens' })}`,
    apiKeys: (count: number) => `${count} ${plural(count, { one: 'API key', other: 'API keys' })}`,
    moreAccessTokens: (max: number) => `more than ${max} access tokens`,
    moreApiKeys: (max: number) => `more than ${max} API keys`,
    both: (tokens: string, keys: string) => `${tokens} and ${keys}`,
  },
};
