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
      sentence`Everything in ${workspace} is deleted, except the activity log, which is kept for operators. Members lose access; those who have no other workspace are signed out, except you. Invitations are revoked, and requests with the workspace's credentials are rejected.`,
    countingCredentials: 'Counting the credentials that will be deleted…',
    deletesCredentials: (credentials: string) => `This deletes ${credentials}.`,
    leaveTitle: 'Leave workspace',
    left: (name: string) => phrase`You left ${name}`,
    leavingConsequences: (workspace: ReactNode) =>
      sentence`You need an invitation to rejoin ${workspace}. If this is your last workspace, you will be signed out.`,
    title: 'Workspace',
    detailsTitle: 'Details',
    id: 'ID',
    yourRole: 'Your role',
    created: 'Created',
    deleteDescription: 'Its access tokens and API keys stop working immediately. This cannot be undone.',
    leaveDescription: 'You lose access to it. Access tokens and API keys you created keep working.',
  },
  backupKey: {
    title: 'Backup encryption',
    description:
      'Backups of apps are encrypted with the backup key of this workspace. Devpilot stores the key encrypted.',
    replace: 'Replace backup key',
    replaced: 'Backup key replaced',
    consequences: 'New backups will be encrypted with a new key. Existing backups remain readable.',
  },
  groupRoles: {
    title: 'Groups',
    description: (name: string) =>
      phrase`When people in these groups sign in with ${name}, they become members with the role of their group. It replaces a member's current role, even a higher one, except the owner's. A member whose role is from a group is removed when none of the person's groups grants a role any more. People you invite keep their role until a group grants them one.`,
    none: 'No group grants a role in this workspace.',
    ownerOnly: 'Only the owner can change this.',
    claim: 'Claim',
    claimDescription: "The provider's claim that contains the groups.",
    claimPlaceholder: 'groups',
    claimInvalid: 'Enter the name of a claim, in ASCII characters without spaces',
    value: 'Group',
    role: 'Role',
    roles: { member: 'Member', admin: 'Admin' },
    valueMissing: 'Enter a group',
    valueDuplicate: 'This group is already listed',
    addGroup: 'Add group',
    removeGroup: (position: number) => `Remove group ${position}`,
    setUp: 'Set up',
    save: 'Save',
    saved: 'Groups saved',
    remove: 'Stop using groups',
    removeConsequences: 'People keep their current roles, but single sign-on no longer changes them.',
    removed: 'Groups are no longer used',
    mapping: (group: ReactNode, role: string) => sentence`${group}: ${role}`,
  },
  credentialCount: {
    accessTokens: (count: number) => `${count} ${plural(count, { one: 'access token', other: 'access tokens' })}`,
    apiKeys: (count: number) => `${count} ${plural(count, { one: 'API key', other: 'API keys' })}`,
    moreAccessTokens: (max: number) => `more than ${max} access tokens`,
    moreApiKeys: (max: number) => `more than ${max} API keys`,
    both: (tokens: string, keys: string) => `${tokens} and ${keys}`,
  },
};
