import type { ReactNode } from 'react';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  peoplePage: {
    name: 'Name',
    operator: 'Operator',
    disabled: 'Disabled',
    workspaces: 'Workspaces',
    twoFactor: 'Two-factor',
    on: 'On',
    off: 'Off',
    lastActive: 'Last active',
    notSignedIn: 'Not signed in',
    createPasswordResetLink: 'Create password reset link',
    createSignInLink: 'Create sign-in link',
    endAllSessions: 'End all sessions…',
    removeOperatorRole: 'Remove operator role',
    makeOperator: 'Make operator',
    enable: 'Enable',
    disable: 'Disable…',
    title: 'People',
    description: 'Everyone with an account on this server. Operators manage accounts here.',
    searchLabel: 'Search by name or email',
    onlyOperators: 'Only operators of this server can view this page.',
    disableTitle: 'Disable account',
    disableConfirmLabel: 'Disable',
    disableConsequences: (name: string) =>
      phrase`${name} is signed out everywhere and cannot sign in until an operator enables the account. Pending invitations they sent are revoked. Access tokens and API keys they created keep working.`,
    resetLinkTitle: 'Password reset link',
    signInLinkTitle: 'Sign-in link',
    resetLinkNote: (name: string, expires: ReactNode) =>
      sentence`Give this link to ${name}. It can be used once and expires ${expires}.`,
    copyLink: 'Copy link',
  },
};
