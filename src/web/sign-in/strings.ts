import type { ReactNode } from 'react';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  accountForm: {
    yourName: 'Your name',
    email: 'Email',
    password: 'Password',
    passwordDescription: 'At least 8 characters. A long passphrase is easier to remember than a complex password.',
    createAccount: 'Create account',
  },
  forgotPasswordPage: {
    backToSignIn: 'Back to sign-in',
    checkYourEmailTitle: 'Check your email',
    linkSent: (email: ReactNode) =>
      sentence`If ${email} has an account and this server sends email, a password reset link will arrive shortly. It can be used once and expires after one hour.`,
    noEmail: 'No email? Ask an operator of this server for a link.',
    title: 'Forgot your password?',
    description: "We'll email you a link to choose a new one.",
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
      phrase`You are signed in as ${email} but not a member of any workspace yet. Create one, or ask for an invitation.`,
    createAnother: 'You will be its owner. It shares nothing with your other workspaces.',
  },
  resetPasswordPage: {
    passwordChanged: 'Password changed. Sign in with your new password.',
    requestANewLink: 'Request a new link',
    incompleteLinkTitle: 'Incomplete link',
    incompleteLinkDescription: 'Open the full link from the email, including the part after #.',
    title: 'Choose a new password',
    description: 'You will be signed out everywhere else. Access tokens and API keys keep working.',
    newPassword: 'New password',
    newPasswordDescription: 'At least 8 characters.',
    changePassword: 'Change password',
  },
  setupPage: {
    workspaceTitle: 'Name your workspace',
    workspaceDescription: 'Step 2 of 2. Everything you create belongs to a workspace.',
    title: 'Set up Devpilot',
    description: "Step 1 of 2. You will own this server's first workspace.",
    whereToFindTheLink: 'The setup link can be used once. The server prints it when it starts.',
    setupCode: 'Setup code',
    setupCodeDescription: 'The part after #code= in the setup link the server printed.',
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
