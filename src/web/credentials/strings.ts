import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

/** “Some” if the server did not count them. */
const amount = (count: number | null): string => count?.toLocaleString('en') ?? 'Some';

export const strings = {
  bulkDeleteDialog: {
    neverUsed: 'never used',
    used: (time: string) => `used ${time}`,
    confirmationPhrase: (count: number) => `delete ${count}`,
    consequences:
      'Anything using them stops working immediately. They cannot be restored. Actions already performed with them are not undone.',
    deletionProgress: 'Deletion progress',
    progress: (count: number, total: number) => `Deleting: ${count} of ${total} …`,
    result: (deletedCount: number, failedCount: number) =>
      failedCount === 0
        ? `${deletedCount} deleted. They no longer work.`
        : `${deletedCount} deleted, ${failedCount} failed.`,
    credentialsToDelete: 'Credentials to delete',
    inUseNotice: (count: number) =>
      count === 1
        ? 'One of them was used in the last 24 hours, so something probably still depends on it.'
        : `${count} of them were used in the last 24 hours, so something probably still depends on them.`,
    cancel: 'Cancel',
    deleteCount: (count: number) => `Delete ${count}`,
    retryFailed: 'Retry failed',
    close: 'Close',
    title: (count: number, kind: { noun: string; plural: string } | null) => {
      const { noun, plural } = kind ?? { noun: 'credential', plural: 'credentials' };
      return `Delete ${count} ${count === 1 ? noun : plural}`;
    },
  },
  columns: {
    passphraseRequired: 'Passphrase required',
    name: 'Name',
    status: 'Status',
    created: 'Created',
    createdByFormerMember: 'by a former member',
    issued: { workload: 'for a workload', exchange: 'in an exchange' },
    createdBy: (name: string) => phrase`by ${name}`,
    expires: 'Expires',
    never: 'Never',
    inDays: (days: number) => `in ${days.toLocaleString('en')} days`,
    byPolicy: (remaining: string) => `${remaining}, by policy`,
    byPolicyFrom: (remaining: string, date: string) => `${remaining}, by policy from ${date}`,
    lastUsed: 'Last used',
    uses: 'Uses',
    replacesTheOneAbove: 'Replaces the one above',
  },
  createCredentialDialog: {
    filledByLink: (noun: string, ignored: string) => {
      const notice = `A link filled in this form. Generate the ${noun} only if you trust the link and have checked every field.`;
      return ignored === '' ? notice : `${notice} Ignored, because it is unknown: ${ignored}.`;
    },
    tokenTitle: 'Your new access token',
    keyTitle: 'Your new API key',
    iHaveStoredIt: 'I have stored it',
  },
  credentialForm: {
    guardDescription:
      "For services that run the SDK as a guard: the key can read the data needed to verify this workspace's credentials, and report their uses. It also needs the read permission. Otherwise leave this off.",
    responseLost: (noun: string) =>
      `The ${noun} was created, but the response with its secret was lost, and a secret cannot be shown again. Close this dialog, delete the ${noun} and generate a new one.`,
    safeToRetry: (error: string) => `${error} You can submit again safely: it will not be created twice.`,
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
  credentialsPage: {
    detailsAndActivity: 'Details and activity',
    replace: 'Replace…',
    continueReplacing: 'Continue replacing…',
    emptyTitle: (nouns: string) => `No ${nouns} yet`,
    onlyTheOwnerCreates: 'Only the owner can do this (policy of the workspace)',
    askToCreate: (kinds: string) => `An owner or admin of this workspace can create ${kinds}.`,
    selection: 'Selection',
    selected: (selectedCount: number) => `${selectedCount} selected`,
    clearSelection: 'Clear selection',
    deleteSelected: 'Delete selected',
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
  expiry: {
    days7: '7 days',
    days30: '30 days',
    days60: '60 days',
    days90: '90 days',
    year: '1 year',
    mustBeInTheFuture: 'The date must be in the future',
    noChangeNeverExpires: 'No change (never expires)',
    noChangeUntil: (date: string) => `No change (${date})`,
    withDate: (duration: string, date: string) => `${duration} (${date})`,
    latestAllowed: 'Longest allowed',
    policyAllowsUntil: (time: string) => `The policy of the workspace allows no expiry later than ${time}.`,
    notAllowedByPolicy: 'The policy of the workspace does not allow this',
    customDate: 'Custom date…',
    noExpiry: 'No expiry',
  },
  filters: {
    searchByName: (nouns: string) => `Search ${nouns} by name`,
    statusLabel: 'Status',
    anyStatus: 'Any status',
    anyRight: (rightNoun: string) => `Any ${rightNoun}`,
    createdByLabel: 'Created by',
    anyone: 'Anyone',
    usageLabel: 'Usage',
    anyUsage: 'Any usage',
    unusedForDays: (days: number) =>
      plural(days, { one: 'Unused for 1 day', other: `Unused for ${days.toLocaleString('en')} days` }),
    policyLabel: 'Policy',
    anyPolicy: 'Any policy',
    violatesPolicy: 'Violates policy',
    expiryLabel: 'Expiry',
    anyExpiry: 'Any expiry',
    expiresWithin7Days: 'Expires within 7 days',
    expiresWithin30Days: 'Expires within 30 days',
    neverExpires: 'Never expires',
    originLabel: 'Origin',
    anyOrigin: 'Any origin',
  },
  origins: {
    person: 'Created by a person',
    workload: 'Issued to a workload',
    exchange: 'Exchanged for another token',
  },
  kinds: {
    accessTokens: {
      noun: 'access token',
      plural: 'access tokens',
      title: 'Access Tokens',
      generateLabel: 'Generate Token',
      description:
        'An access token lets a pipeline or a script act on this workspace without a browser session. Each has its own scopes, an optional passphrase and an optional expiry.',
      rightsLabel: 'Scopes',
      placeholder: 'CI/CD Pipeline',
      rightNoun: 'scope',
    },
    apiKeys: {
      noun: 'API key',
      plural: 'API keys',
      title: 'API Keys',
      generateLabel: 'Generate API Key',
      description:
        "An API key lets a service talk to Devpilot's management APIs. Its permissions, expiry and active state can be changed later; its secret never changes.",
      rightsLabel: 'Permissions',
      placeholder: 'Billing service',
      rightNoun: 'permission',
    },
    groups: {
      everything: 'Everything',
      deployments: 'Deployments',
      tracking: 'Tracking',
      appsAndAutomation: 'Apps and automation',
      resources: 'Resources',
      operations: 'Operations',
      management: 'Management',
    },
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
      'Use the new secret wherever the old one is used. This page updates when it is first used. You can close it: both stay valid until you delete the old one.',
    secretLost: 'Delete the new one to start over…',
    keepBothForNow: 'Keep both for now',
    deleteOld: 'Delete old…',
    deleteOldAnyway: 'Delete old anyway…',
    create: 'Create',
    update: 'Update',
    verify: 'Verify',
    deleteOldStep: 'Delete old',
    introduction: (noun: string, rights: string) =>
      `Create a new ${noun} with the same ${rights} to replace this one. Nothing is deleted until you confirm it in the last step.`,
    createReplacement: 'Create replacement',
    oldHasPassphrase: "The old token has a passphrase. Set one for the new token too; we can't copy it.",
    useThisSecret: 'Use this secret wherever the old one is used.',
    iHaveStoredIt: 'I have stored it',
    replacedAndDeleted: (name: string, hint: string, usage: string) =>
      phrase`${name} (…${hint}) was replaced and deleted. ${usage}`,
    alreadyDeleted: (noun: string) => `The replaced ${noun} has been deleted. Nothing remains to be done.`,
    done: 'Done',
    title: (name: string) => phrase`Replace ${name}`,
    notUsedYet: 'not used yet',
    used: (time: string) => `used ${time}`,
  },
  reviewBar: {
    label: 'To review',
    total: (count: number, { noun, plural: nouns }: { noun: string; plural: string }) =>
      `${count.toLocaleString('en')} ${plural(count, { one: noun, other: nouns })}`,
    moreThan: (count: number, { plural: nouns }: { plural: string }) =>
      `More than ${count.toLocaleString('en')} ${nouns}`,
    results: (count: number) => `${count.toLocaleString('en')} ${plural(count, { one: 'result', other: 'results' })}`,
    moreResultsThan: (count: number) => `More than ${count.toLocaleString('en')} results`,
    expireSoon: (count: number | null) =>
      `${amount(count)} ${plural(count ?? 2, { one: 'expires', other: 'expire' })} within 7 days`,
    unused: (count: number | null, days: number) =>
      `${amount(count)} unused for ${plural(days, { one: '1 day', other: `${days.toLocaleString('en')} days` })}`,
    neverExpire: (count: number | null) =>
      `${amount(count)} never ${plural(count ?? 2, { one: 'expires', other: 'expire' })}`,
    violatePolicy: (count: number | null) =>
      `${amount(count)} ${plural(count ?? 2, { one: 'violates', other: 'violate' })} the policy`,
    holdAll: (count: number | null) =>
      `${amount(count)} ${plural(count ?? 2, { one: 'holds', other: 'hold' })} all scopes`,
  },
  rightsField: {
    atLeastOne: '(at least one)',
    includesAll: 'Includes all of the scopes below.',
    includedInAll: 'Included in “all”.',
    notAllowedByPolicy: 'Not allowed by the policy of the workspace.',
    requiresPassphrase: 'Requires a passphrase.',
  },
  rotationNote: {
    beingReplaced: (old: ReactNode, replacement: ReactNode) =>
      sentence`Being replaced: old ${old}, new ${replacement}.`,
    replacement: (old: ReactNode, replacement: ReactNode) =>
      sentence`Replaces another: old ${old}, new ${replacement}.`,
    notUsedYet: 'not used yet',
    used: (time: string) => `used ${time}`,
    openOld: 'Open the old one',
    openNew: 'Open the new one',
    continueReplacing: 'Continue…',
    ofCredential: (name: string) => phrase` replacing ${name}`,
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
      `For bash and zsh. It waits for you to paste the secret${hasPassphrase ? ' and then the passphrase' : ''} and press Enter; nothing is shown as you paste, and nothing is kept in the shell's history.`,
    ifLost: (noun: string) => `If you lose it, delete this ${noun} and generate a new one.`,
  },
  statusTag: {
    inactive: 'Inactive',
    expired: 'Expired',
    spent: 'Used up',
    active: 'Active',
    expiresInLessThanADay: 'Expires in less than a day',
    expiresInDays: (days: number) => `Expires in ${days} days`,
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
    enterDate: (abilities: string) => `${abilities}; enter the date on which it expires.`,
    expired: (date: string) => `Expired on ${date}: requests are rejected until you choose a later expiry.`,
    endOfDay: (date: string) => `the end of ${date}`,
    neverExpires: (abilities: string) => `${abilities}, and never expires`,
    until: (abilities: string, time: string) => `${abilities} until ${time}`,
    withNotes: (abilities: string, notes: readonly string[]) => `${[abilities, ...notes].join('; ')}.`,
    passphraseRequired: 'passphrase required',
    enterPassphrase: 'enter its passphrase',
    guardsAllowed: 'guards allowed',
    guardsNeedRead: 'guards also need the permission read',
    inactive: 'inactive until you enable it',
  },
  rightsChips: {
    moreRights: (rights: string) => ` more: ${rights}`,
  },
};
