import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  endSessionsDialog: {
    title: 'End all sessions',
    endSessions: 'End sessions',
    ended: (name: string) => phrase`All sessions of ${name} ended`,
    consequences: (name: string) =>
      phrase`${name} is immediately signed out of all browsers and of the CLI, but can sign in again.`,
  },
  invitations: {
    title: 'Pending invitations',
    description: 'Each link can be used once and expires after seven days.',
    admin: 'Admin',
    member: 'Member',
    note: (created: ReactNode, creator: string | null, expires: ReactNode) =>
      creator === null
        ? sentence`Invited ${created} · expires ${expires}`
        : sentence`Invited ${created} by ${creator} · expires ${expires}`,
    revokeLabel: (email: string) => phrase`Revoke the invitation for ${email}`,
    revoke: 'Revoke',
    revokeTitle: 'Revoke invitation',
    revoked: 'Invitation revoked',
    consequences: (email: string) => phrase`The invitation link for ${email} stops working.`,
  },
  inviteDialog: {
    theInvitationLink: 'the invitation link',
    mailed: (email: string) => phrase`The link was sent by email to ${email}. You can also share it yourself.`,
    notMailed: (email: string) => phrase`No email was sent. Send this link to ${email} yourself.`,
    invitationLink: 'Invitation link',
    invitationLinkDescription: (date: string, email: string) =>
      phrase`Can be used once, only by ${email}, until ${date}. It is not shown again.`,
    copyLink: 'Copy link',
    done: 'Done',
    email: 'Email',
    emailDescription: 'A new invitation revokes an earlier one for the same address.',
    role: 'Role',
    member: 'Member',
    memberDescription:
      'Can view credentials and resources, but not secrets. Can deploy, run scripts and create backups.',
    admin: 'Admin',
    adminDescription: 'Can create and delete credentials and resources, manage members and read the activity log.',
    createInvitation: 'Create invitation',
    title: (name: string) => phrase`Invite to ${name}`,
    howToJoin: 'The invited person joins by signing up or signing in with the email address you enter here.',
  },
  membersPage: {
    name: 'Name',
    you: 'You',
    role: 'Role',
    twoFactor: 'Two-factor',
    on: 'On',
    off: 'Off',
    joined: 'Joined',
    isNowAdmin: (name: string) => phrase`${name} is now an admin`,
    makeMember: 'Make member',
    makeAdmin: 'Make admin',
    transferOwnership: 'Transfer ownership…',
    endAllSessions: 'End all sessions…',
    remove: 'Remove…',
    title: 'Members',
    description:
      'Owners and admins manage credentials, members and the workspace. Members can view credentials, but not secrets.',
    inviteMember: 'Invite member',
    isNowMember: (name: string) => phrase`${name} is now a member`,
  },
  removeMemberDialog: {
    listLabel: 'Credentials this person created',
    accessToken: 'Access token',
    apiKey: 'API key',
    statuses: { inactive: 'inactive', expired: 'expired', spent: 'used up' },
    neverUsed: 'never used',
    lastUsed: (time: ReactNode) => sentence`last used ${time}`,
    replace: 'Replace…',
    removed: (name: string) => phrase`${name} was removed and no longer has access to this workspace.`,
    consequences: (member: ReactNode, workspace: ReactNode) =>
      sentence`${member} loses access to ${workspace} immediately. Credentials they created keep working unless you select them for deletion.`,
    noCredentials: (name: string) => phrase`${name} has not created any credentials in this workspace.`,
    secretsMayBeKnown: (name: string) =>
      phrase`${name} created these credentials and may know their secrets. Delete the ones you don't need and replace the others:`,
    review: (name: string) => phrase`Review credentials created by ${name}`,
    selectNone: 'Select none',
    selectAll: 'Select all',
    deletionProgress: (count: number, total: number) => `${count} of ${total} deleted…`,
    done: 'Done',
    cancel: 'Cancel',
    remove: (name: string) => phrase`Remove ${name}`,
    removeAndDelete: (count: number) =>
      `Remove and delete ${plural(count, { one: '1 credential', other: `${count} credentials` })}`,
    title: (name: string) => phrase`Remove ${name}`,
    deleteCredentials: (count: number) =>
      `Delete ${plural(count, { one: '1 credential', other: `${count} credentials` })}`,
  },
  transferOwnershipDialog: {
    title: 'Transfer ownership',
    confirmLabel: 'Transfer ownership',
    transferred: (member: string, workspace: string) => `${member} is now the owner of ${workspace}. You are an admin.`,
    consequences: ({
      newOwner,
      workspace,
      name,
      isOperator,
    }: {
      newOwner: ReactNode;
      workspace: ReactNode;
      name: string;
      isOperator: boolean;
    }) =>
      isOperator
        ? sentence`${newOwner} becomes the owner of ${workspace} and is the only one who can delete or transfer it. You become an admin. Only ${name} can transfer ownership back, and only as an operator of this server, because you are an operator.`
        : sentence`${newOwner} becomes the owner of ${workspace} and is the only one who can delete or transfer it. You become an admin. Only ${name} can transfer ownership back.`,
  },
};
