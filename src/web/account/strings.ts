import type { ReactNode } from 'react';
import type { NoticeKind, NotificationMode } from '../../contract/event-names.ts';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  notifications: {
    title: 'Email notifications',
    description: (name: string) =>
      phrase`Choose which notices about the workspace ${name} are emailed to you. Changes are saved immediately.`,
    noMail: 'Email is not set up. Your choices take effect once an operator sets it up.',
    saved: 'Email notifications saved',
    modes: { off: 'No email', digest: 'Once a day', immediate: 'Immediately' } satisfies Record<
      NotificationMode,
      string
    >,
    kinds: {
      'credential.expiring': 'Credential expires soon',
      'credential.expired': 'Credential expired',
      'credential.unused': 'Credential unused',
      'credential.leaked': 'Credential leaked',
      'credential.used_after_deletion': 'Deleted credential used',
      'credential.violates_policy': 'Credential violates policy',
      'credential.orphaned': 'Credential creator left the workspace',
      'deployment.failed': 'Deployment failed',
      'run.failed': 'Script run failed',
      'backup.failed': 'Backup or verification failed',
      'error.new': 'New error',
      'error.reopened': 'Resolved error reported again',
      'webhook.switched_off': 'Webhook switched off',
    } satisfies Record<NoticeKind, string>,
  },
  accountPage: {
    title: 'Your account',
    description: 'Your profile and how you sign in are the same in all workspaces.',
    turnOnTwoFactor: 'Turn on two-factor authentication here. You will then return to the page you came from.',
    twoFactorIsOn: (link: ReactNode) => sentence`Two-factor authentication is on. ${link}`,
    continue: 'Return to the page you came from',
  },
  deleteAccount: {
    title: 'Delete account',
    description:
      'You leave every workspace. Access tokens and API keys you created keep working, and your name stays in activity logs.',
    deleted: 'Account deleted',
    consequences: 'This cannot be undone. If you own a workspace, transfer or delete it first.',
  },
  passkeySignIn: {
    signIn: 'Sign in with a passkey',
  },
  passkey: {
    unsupported: 'This browser does not support passkeys.',
    needsHttps: 'Passkeys require HTTPS. Open Devpilot at its https:// URL.',
    needsHostName: (localUrl: string | null) => {
      const reason = 'Passkeys require a host name, but this page was opened by IP address.';
      return localUrl === null ? reason : `${reason} Open ${localUrl} instead.`;
    },
    cancelled: 'The passkey request was cancelled or timed out.',
    alreadyAdded: 'This device already has a passkey for your account.',
    failed: 'The browser could not create or use the passkey. Try again.',
  },
  passkeys: {
    enterAName: 'Enter a name',
    name: 'Name',
    rename: 'Rename',
    title: 'Passkeys',
    description:
      'Sign in with your fingerprint, face or device PIN. A passkey cannot be guessed or phished, and needs no second factor.',
    addPasskey: 'Add passkey',
    synced: 'Synced',
    renameAction: 'Rename…',
    continue: 'Continue',
    added: 'Passkey added. You can use it the next time you sign in.',
    addConsequences:
      'Your browser will ask where to store the passkey: on this device, in a password manager, or on a security key. Adding it ends all your other sessions.',
    renameTitle: 'Rename passkey',
    deleteTitle: 'Delete passkey',
    delete: 'Delete',
    deleteConsequences: (name: ReactNode) =>
      sentence`You can no longer sign in with ${name}, and all your other sessions end. Your device may still offer the passkey; delete it there too.`,
    addedNeverUsed: (added: ReactNode) => sentence`Added ${added} · never used`,
    addedLastUsed: (added: ReactNode, lastUsed: ReactNode) => sentence`Added ${added} · last used ${lastUsed}`,
  },
  password: {
    enterYourCurrentPassword: 'Enter your current password',
    incorrectPassword: 'Incorrect password',
    changed: 'Password changed. All other sessions have ended.',
    currentPassword: 'Current password',
    newPassword: 'New password',
    newPasswordDescription:
      'At least 8 characters. Several random words are easier to remember than a complex password.',
    consequences:
      'All your other sessions end, on every device. You stay signed in here. Access tokens, API keys and passkeys keep working.',
    cancel: 'Cancel',
    changePassword: 'Change password',
    title: 'Password',
    description: 'Changing your password ends all your other sessions.',
  },
  profile: {
    nameChanged: 'Name changed',
    title: 'Profile',
    description: 'Others see your name next to what you create and change.',
    name: 'Name',
    email: 'Email',
    emailDescription: 'You sign in with this address. It cannot be changed.',
    saveName: 'Save name',
  },
  reauthenticationForm: {
    enterYourPassword: 'Enter your password',
    enterACode: 'Enter a code',
    enterAName: 'Enter a name',
    incorrectPasswordOrCode: 'Incorrect password or code',
    incorrectPassword: 'Incorrect password',
    name: 'Name',
    nameDescription: 'A name to recognize the passkey by.',
    yourPassword: 'Your password',
    twoFactorCode: 'Two-factor code',
    twoFactorCodeDescription: 'The six-digit code from your authenticator app, or a recovery code.',
    useAPasskeyInstead: 'Use a passkey instead',
    cancel: 'Cancel',
  },
  recoveryCodes: {
    file: (email: string, codes: readonly string[]) =>
      `Devpilot recovery codes for ${email}\nEach code works once.\n\n${codes.join('\n')}\n`,
    secretName: 'the recovery codes',
    purpose:
      'If you lose your authenticator app, sign in with one of these codes instead. Each code works once. Store them somewhere other than your phone.',
    shownOnce: 'These codes are shown only once. Store them now.',
    listLabel: 'Recovery codes',
    copyAll: 'Copy all',
    download: 'Download',
    storedLabel: 'I have stored the recovery codes',
    done: 'Done',
  },
  providerProof: {
    confirmWithRecentSignIn: 'Continue without a password (you signed in recently)',
    signInAgain: (name: string) => phrase`Confirm with ${name}`,
    thenTryAgain: 'You will return to this page. Then repeat this action within ten minutes.',
  },
  singleSignOn: {
    title: 'Single sign-on',
    description: (name: string) => phrase`Sign in with your ${name} account.`,
    link: 'Link account',
    linkTitle: (name: string) => phrase`Link ${name} account`,
    continue: 'Continue',
    linkConsequences: (name: string) =>
      phrase`Next, sign in at ${name}. That account must have a verified email address that matches yours.`,
    linkedLastUsed: (linked: ReactNode, lastUsed: ReactNode) => sentence`Linked ${linked} · last used ${lastUsed}`,
    unlink: 'Unlink',
    unlinkAccount: (account: string) => `Unlink ${account}`,
    unlinkTitle: 'Unlink account',
    unlinked: 'Account unlinked',
    unlinkConsequences: (account: ReactNode) =>
      sentence`You can no longer sign in with ${account}, and other sessions that you started with it end. If you have never set a password, set one with a password reset first.`,
  },
  sessions: {
    title: 'Sessions',
    description: "Where you are signed in. End any session you don't recognize, then change your password.",
    endAllOtherSessions: 'End all other sessions',
    thisSession: 'This session',
    commandLine: 'Command line',
    note: ({ address, signedIn, lastUsed }: { address: string; signedIn: ReactNode; lastUsed: ReactNode }) =>
      sentence`${address} · signed in ${signedIn} · last used ${lastUsed}`,
    endSessionOf: (client: string) => `End session: ${client}`,
    end: 'End',
    showOlderSessions: 'Show older sessions',
    endSession: 'End session',
    endSessions: 'End sessions',
    sessionsEnded: 'Sessions ended',
    sessionEnded: 'Session ended',
    othersAreSignedOut: 'You are signed out of every other browser and command line immediately.',
    isSignedOut: (client: string, signedIn: ReactNode) =>
      sentence`${client}, signed in ${signedIn}, is signed out immediately.`,
    unknownAddress: 'Unknown address',
  },
  twoFactorDialog: {
    purposes: {
      enable: {
        title: 'Turn on two-factor authentication',
        confirmLabel: 'Continue',
        consequences: 'Confirm your identity first. Turning on two-factor authentication ends all your other sessions.',
      },
      renew: {
        title: 'Generate new recovery codes',
        confirmLabel: 'Generate codes',
        consequences: 'Your current recovery codes stop working.',
      },
      disable: {
        title: 'Turn off two-factor authentication',
        confirmLabel: 'Turn off',
        consequences:
          'Your password alone will be enough to sign in. Your recovery codes stop working, and all your other sessions end.',
      },
    },
    invalidCode: 'Enter the six-digit code',
    scanThisCode: 'Scan this QR code with your authenticator app, then enter the six-digit code it shows.',
    qrCodeLabel: 'QR code for your authenticator app',
    orEnterThisKey: "Can't scan it? Enter this key in the app:",
    copyKey: 'Copy key',
    code: 'Code',
    cancel: 'Cancel',
    turnOn: 'Turn on',
    turnedOff: 'Two-factor authentication turned off',
    recoveryCodesTitle: 'Recovery codes',
  },
  twoFactor: {
    title: 'Two-factor authentication',
    description:
      'Require a six-digit code from an authenticator app, so that a stolen password is not enough to sign in.',
    on: 'On',
    turnOn: 'Turn on',
    codesLeft: (count: number, isLow: boolean) => {
      const left = plural(count, { one: '1 recovery code left', other: `${count} recovery codes left` });
      return isLow ? `${left}. Generate new ones.` : left;
    },
    generateRecoveryCodes: 'Generate recovery codes',
    turnOff: 'Turn off',
  },
  userAgent: {
    unknownClient: 'Unknown client',
    clientOnSystem: (client: string, system: string) => `${client} on ${system}`,
  },
};
