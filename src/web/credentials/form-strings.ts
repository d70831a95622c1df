import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

/** Texts of the dialogs and forms, which are loaded when they are opened. */
export const strings = {
  bulkDeleteDialog: {
    neverUsed: 'never used',
    used: (time: string) => `used ${time}`,
    confirmationPhrase: (count: number) => `delete ${count}`,
    consequences:
      'Anything using them stops working immediately. They cannot be restored. Actions already performed with them are not undone.',
    deletionProgress: 'Deletion progress',
    progress: (count: number, total: number) => `Deleting ${count} of ${total}…`,
    result: (deletedCount: number, failedCount: number) =>
      failedCount === 0
        ? `${deletedCount} deleted. ${plural(deletedCount, { one: 'It no longer works.', other: 'They no longer work.' })}`
        : `${deletedCount} deleted, ${failedCount} failed.`,
    credentialsToDelete: 'Credentials to delete',
    inUseNotice: (count: number) =>
      count === 1
        ? 'One of them was used in the last 24 hours, so something probably still depends on it.'
        : `${count} of them were used in the last 24 hours, so something probably still depends on them.`,
    cancel: 'Cancel',
    deleteCount: (count: number) => `Delete ${count}`,
    retryFailed: 'Retry failed deletions',
    close: 'Close',
    title: (count: number, kind: { noun: string; plural: string } | null) => {
      const { noun, plural: nouns } = kind ?? { noun: 'credential', plural: 'credentials' };
      return `Delete ${count} ${plural(count, { one: noun, other: nouns })}`;
    },
  },
  createCredentialDialog: {
    filledByLink: (noun: string, ignored: string) => {
      const notice = `A link filled in this form. Generate the ${noun} only if you trust the link and have checked every field.`;
      return ignored === '' ? notice : `${notice} These values in the link are not valid and were ignored: ${ignored}.`;
    },
    tokenTitle: 'Your new access token',
    keyTitle: 'Your new API key',
    iHaveStoredIt: 'I have stored it',
  },
  credentialForm: {
    guardDescription:
      "Only for services that run the SDK as a guard: the key can read the data needed to verify this workspace's credentials, and report their uses. It also needs the read permission.",
    responseLost: (noun: string) =>
      `The ${noun} was created, but the response with its secret was lost, and a secret cannot be shown again. Close this dialog, delete the ${noun} and generate a new one.`,
    safeToRetry: (error: string) => `${error} You can safely submit again: nothing will be created twice.`,
    chooseARight: (rightNoun: string) => `Choose at least one ${rightNoun}`,
    nameDescription: (min: number, max: number) =>
      `Say what uses it, so teammates know before deleting it. ${min} to ${max} characters.`,
    token: 'token',
    key: 'key',
    passphraseRequired: 'Enter a passphrase. The policy of the workspace requires one for these scopes.',
    onlyTheOwnerCreates: (nouns: string) => `The policy of this workspace allows only its owner to create ${nouns}.`,
    close: 'Close',
    active: 'Active',
    activeDescription: 'An inactive key is rejected until you enable it again.',
    allowGuards: 'Allow guards',
  },
  deleteCredentialDialog: {
    neverUsed: 'It has never been used.',
    usage: (count: number, ago: string, time: string) =>
      `It was used ${plural(count, { one: 'once', other: `${count.toLocaleString('en')} times` })}, most recently ${ago} (${time}).`,
    title: (noun: string) => `Delete ${noun}`,
    delete: 'Delete',
    deleted: (name: string) => phrase`${name} deleted. It no longer works.`,
    aboutToDelete: (name: ReactNode, hint: ReactNode) => sentence`You are about to delete ${name} ${hint}.`,
    stopsWorking: (rightNoun: string, rights: string) =>
      `Anything using it stops working immediately. Its ${rightNoun}s: ${rights}.`,
    cannotBeRestored: 'It cannot be restored. Actions already performed with it are not undone.',
    inUseNotice: 'It was used in the last 24 hours, so something probably still depends on it.',
  },
  expiryField: {
    expiry: 'Expiry',
    lastDay: 'Last day',
    lastDayDescription: (timeZone: string) => `It expires at the end of this day in the time zone ${timeZone}.`,
    maximumLifetime: (days: number) =>
      plural(days, {
        one: 'The policy of the workspace allows at most 1 day after creation.',
        other: `The policy of the workspace allows at most ${days} days after creation.`,
      }),
    neverExpires: (noun: string) =>
      `Non-expiring ${noun}s pose a greater security risk. Prefer short-lived ones and rotate them regularly.`,
  },
  passphraseField: {
    strengthLabels: { weak: 'Weak: make it longer or more varied', fair: 'Fair', strong: 'Strong' },
    passphraseOptional: 'Passphrase (optional)',
    passphrase: 'Passphrase',
    requiredByPolicy: 'The policy of the workspace requires one for these scopes.',
    descriptionWithLength: (description: string, min: number, max: number) =>
      `${description} ${min} to ${max} characters.`,
    hideThePassphrase: 'Hide the passphrase',
    showThePassphrase: 'Show the passphrase',
    suggest: 'Suggest a passphrase',
    copyPassphrase: 'Copy passphrase',
    description: 'Required with every request, so a leaked token is useless on its own.',
  },
  presets: {
    label: 'Start from',
    names: {
      deployPipeline: 'Deploy pipeline',
      monitoring: 'Monitoring',
      errorReporting: 'Error reporting',
      activityTracking: 'Activity tracking',
      environmentSync: 'Environment sync',
      scheduledScripts: 'Scheduled scripts',
      readOnlyIntegration: 'Read-only integration',
      backups: 'Backups',
      provisioning: 'Provisioning',
      guard: 'Guard',
    },
  },
  prefill: {
    unknownRight: (rightNoun: string, right: string) => `the ${rightNoun} ${right}`,
    unknownExpiry: (expires: string) => `the expiry ${expires}`,
  },
  replaceCredentialDialog: {
    newIsInUse: (noun: string) => `The new ${noun} is in use`,
    waitingForUse: (noun: string) => `Waiting for the new ${noun} to be used…`,
    new: 'New',
    old: 'Old',
    deleteWhenReady: 'Delete the old one once everything uses the new one. Until then both are valid.',
    useTheNewSecret:
      'Use the new secret wherever the old one is used. This dialog updates when the new secret is first used. You can close it: both secrets stay valid until you delete the old one.',
    startOver: 'Delete the new one to start over…',
    keepBothForNow: 'Keep both for now',
    deleteOld: 'Delete old…',
    deleteOldAnyway: 'Delete old anyway…',
    create: 'Create',
    update: 'Use new',
    verify: 'Verify',
    deleteOldStep: 'Delete old',
    introduction: (noun: string) =>
      `Create a new ${noun} to replace this one. Nothing is deleted until you confirm it in the last step.`,
    createReplacement: 'Create replacement',
    oldHasPassphrase: "The old token has a passphrase. Set one for the new token too; we can't copy it.",
    useThisSecret: 'Use this secret wherever the old one is used.',
    iHaveStoredIt: 'I have stored it',
    replacedAndDeleted: (name: string, hint: string, usage: string) =>
      phrase`${name} (${hint}) was replaced and deleted. ${usage}`,
    alreadyDeleted: (noun: string) => `The replaced ${noun} has been deleted. There is nothing left to do.`,
    done: 'Done',
    title: (name: string) => phrase`Replace ${name}`,
    notUsedYet: 'not used yet',
    used: (time: string) => `used ${time}`,
  },
  rightsField: {
    atLeastOne: '(at least one)',
    includesAll: 'Includes all of the scopes below.',
    includedInAll: 'Included in “all”.',
    notAllowedByPolicy: 'Not allowed by the policy of the workspace.',
    requiresPassphrase: 'Requires a passphrase.',
  },
  secretPanel: {
    theSecret: 'the secret',
    theSecretAndPassphrase: 'the secret and its passphrase',
    shownOnce: (name: ReactNode) =>
      sentence`The secret of ${name} is shown only once. Store it in a secrets manager or an encrypted CI variable now.`,
    secret: 'Secret',
    copySecret: 'Copy secret',
    downloadAsEnv: 'Download as .env',
    passphrase: 'Passphrase',
    copyPassphrase: 'Copy passphrase',
    tryIt: 'Try it',
    copyCommand: 'Copy command',
    howToTry: (hasPassphrase: boolean) =>
      `For bash and zsh. The command waits for you to paste the secret${hasPassphrase ? ' and then the passphrase' : ''} and press Enter; nothing is shown as you paste, and nothing is kept in the shell's history.`,
    ifLost: (noun: string) => `If you lose the secret, delete this ${noun} and generate a new one.`,
  },
  summary: {
    rightPhrases: {
      all: 'do everything an access token can',
      basic_deployment: 'deploy',
      advanced_deployment: 'run advanced deployments',
      activity_tracker: 'submit activity events',
      activity_tracker_analytics: 'read analytics',
      error_tracker: 'submit and read errors',
      modify_env: 'read and modify environment variables',
      run_scripts: 'run scripts',
      read: 'read resources',
      write: 'create and modify resources',
      delete: 'delete resources',
      deploy: 'deploy',
      manage_servers: 'manage servers',
      manage_projects: 'manage projects',
      manage_apps: 'manage apps',
      view_logs: 'view logs',
      manage_backups: 'manage backups',
    },
    noAccess: (rightNoun: string) => `Grants no access yet: select at least one ${rightNoun}.`,
    abilities: (abilities: string) => `Can ${abilities}`,
    dateMissing: (abilities: string) => `${abilities}; no valid expiry date entered yet.`,
    expired: (date: string) => `Expired on ${date}: requests are rejected until you choose a later expiry.`,
    endOfDay: (date: string) => `the end of ${date}`,
    neverExpires: (abilities: string) => `${abilities}, and never expires`,
    until: (abilities: string, time: string) => `${abilities} until ${time}`,
    withNotes: (abilities: string, notes: readonly string[]) => `${[abilities, ...notes].join('; ')}.`,
    passphraseRequired: 'passphrase required',
    passphraseMissing: 'passphrase not yet entered',
    guardsAllowed: 'can be used by an SDK guard',
    guardsNeedRead: 'an SDK guard also needs the permission read',
    inactive: 'inactive until you enable it',
  },
};
