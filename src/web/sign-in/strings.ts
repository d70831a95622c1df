import type { ReactNode } from 'react';
import type { SingleSignOnProblem } from '../../contract/vocabulary.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  accountForm: {
    yourName: 'Your name',
    email: 'Email',
    password: 'Password',
    passwordDescription: 'At least 8 characters. Several random words are easier to remember than a complex password.',
    createAccount: 'Create account',
  },
  forgotPasswordPage: {
    backToSignIn: 'Back to sign-in',
    checkYourEmailTitle: 'Check your email',
    linkSent: (email: ReactNode) =>
      sentence`If ${email} has an account and this server sends email, a password reset link will arrive shortly. It can be used once and expires after one hour.`,
    noEmail: 'No email? Ask an operator of this server for a link.',
    title: 'Forgot your password?',
    description: "We'll email you a link to choose a new password.",
    email: 'Email',
    sendLink: 'Send link',
  },
  homePage: {
    yourAccount: 'Your account',
    noWorkspaceTitle: 'You are not a member of any workspace',
    askForWorkspace: (email: string) =>
      phrase`You are signed in as ${email}. Ask an owner or admin of a workspace for an invitation, or an operator of this server to create a workspace.`,
    createWorkspaceTitle: 'Create workspace',
    createOrAsk: (email: string) =>
      phrase`You are signed in as ${email}, but you are not a member of a workspace yet. Create one or ask for an invitation.`,
    createAnother: 'You will be the owner. The workspace shares nothing with your other workspaces.',
  },
  resetPasswordPage: {
    passwordChanged: 'Password changed. Sign in with your new password.',
    requestANewLink: 'Request a new link',
    incompleteLinkTitle: 'Incomplete link',
    incompleteLinkDescription: 'Open the full link, including the part after #.',
    title: 'Choose a new password',
    description: 'You will be signed out everywhere. Access tokens and API keys keep working.',
    newPassword: 'New password',
    newPasswordDescription: 'At least 8 characters.',
    changePassword: 'Change password',
    signInTitle: 'Sign in with a link',
    signInDescription: 'This link signs you in once, without single sign-on.',
    code: 'Two-factor code',
    enterACode: 'Enter a code',
    signIn: 'Sign in',
  },
  setupPage: {
    workspaceTitle: 'Name your workspace',
    workspaceDescription: 'Step 2 of 2. Everything you create belongs to a workspace.',
    title: 'Set up Devpilot',
    description: "Step 1 of 2. You will own this server's first workspace.",
    whereToFindTheLink: 'The setup link can be used once. The server prints it when it starts.',
    setupCode: 'Setup code',
    setupCodeDescription: 'The part after #code= in the setup link that the server printed.',
  },
  singleSignOn: {
    signInWith: (name: string) => phrase`Sign in with ${name}`,
    signUpWith: (name: string) => phrase`Continue with ${name}`,
    startAgain: 'Start again',
    onlyWay:
      'Passwords are disabled. If single sign-on does not work, ask an operator of this server for a sign-in link.',
    problems: {
      unavailable: (name: string) => phrase`${name} cannot be reached at the moment. Try again later.`,
      cancelled: (name: string) => phrase`You cancelled the sign-in at ${name}.`,
      interaction_required: (name: string) => phrase`${name} requires you to sign in there first. Try again.`,
      expired: () => 'The sign-in has expired or was already used. Try again.',
      refused: (name: string) =>
        phrase`The response from ${name} was not accepted. Try again. If it keeps happening, contact an operator of this server.`,
      no_account: (name: string) =>
        phrase`This ${name} account is not linked to an account here. Ask an owner or admin of your workspace for an invitation.`,
      not_verified: (name: string) =>
        phrase`${name} has not verified the email address of this account. Ask the administrator of ${name} to verify it.`,
      account_exists: (name: string) =>
        phrase`You already have an account here. Sign in as before, then link ${name} on your account page.`,
      invitation_invalid: (name: string) =>
        phrase`The invitation is no longer valid, or the email address of your ${name} account is not the one it was sent to.`,
      disabled: () => 'This account is disabled. Ask an operator of this server to enable it.',
      other_address: (name: string) =>
        phrase`The ${name} account was not linked, because its email address differs from yours.`,
      linked_to_another: (name: string) => phrase`This ${name} account is already linked to someone else.`,
    } satisfies Record<SingleSignOnProblem, (name: string) => string>,
  },
  signInPage: {
    enterYourPassword: 'Enter your password',
    enterACode: 'Enter a code',
    codeTitle: 'Two-factor code',
    title: 'Sign in',
    codeDescription: 'Enter the six-digit code from your authenticator app, or a recovery code.',
    description: 'Sign in to your workspace.',
    returnDescription: 'You will return to the page you were on.',
    newHere: 'New here? Ask an owner or admin of your workspace for an invitation.',
    code: 'Code',
    email: 'Email',
    password: 'Password',
    forgotYourPassword: 'Forgot your password?',
    continue: 'Continue',
    signIn: 'Sign in',
    or: 'or',
    useADifferentAccount: 'Use a different account',
  },
};
