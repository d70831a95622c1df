import { phrase } from '../components/sentence.ts';

export const strings = {
  invitationPage: {
    wrongAddress: (email: string) =>
      phrase`This invitation is for a different email address. Sign in with the address it was sent to, or ask for an invitation for ${email}.`,
    joinTitle: 'Join the workspace',
    joinDescription: (name: string, email: string) =>
      phrase`You are signed in as ${name} (${email}). The members of the workspace will see this name and email address.`,
    goToYourWorkspaces: 'Go to your workspaces',
    acceptInvitation: 'Accept invitation',
    useADifferentAccount: 'Use a different account',
    title: 'You are invited',
    description: 'Join with the email address the invitation was sent to.',
    oneTimeUse: 'An invitation can be used once and expires after seven days.',
    account: 'Account',
    imNewHere: "I'm new here",
    iHaveAnAccount: 'I have an account',
    signInToAccept: 'Sign in to accept',
    reloadedTitle: 'Open the link again',
    reloadedDescription:
      'For security, this page forgets the invitation when you reload it. Open your invitation link again.',
    goToDevpilot: 'Go to Devpilot',
    loading: 'Loading',
    tryAgain: 'Try again',
  },
};
