import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

/** Returns a number, or "Some" if the server did not count. */
const amount = (count: number | null): string => count?.toLocaleString('en') ?? 'Some';

export const strings = {
  columns: {
    passphraseRequired: 'Passphrase required',
    imported: 'imported',
    name: 'Name',
    status: 'Status',
    created: 'Created',
    createdByFormerMember: 'by a former member',
    issued: { workload: 'for a workload', exchange: 'in a token exchange' },
    createdBy: (name: string) => phrase`by ${name}`,
    expires: 'Expires',
    never: 'Never',
    inDays: (days: number) => `in ${days.toLocaleString('en')} days`,
    byPolicy: (remaining: string) => `${remaining}, by policy`,
    byPolicyFrom: (remaining: string, date: string) => `${remaining}, by a policy that applies from ${date}`,
    lastUsed: 'Last used',
    uses: 'Uses',
    replacesTheOneAbove: 'Replaces the one above',
  },
  credentialsPage: {
    detailsAndActivity: 'Details and activity',
    replace: 'Replace…',
    continueReplacing: 'Continue replacing…',
    emptyTitle: (nouns: string) => `No ${nouns} yet`,
    onlyTheOwnerCreates: 'The policy of this workspace allows only its owner to do this.',
    askToCreate: (nouns: string) => `An owner or admin of this workspace can create ${nouns}.`,
    selection: 'Selection',
    selected: (selectedCount: number) => `${selectedCount} selected`,
    clearSelection: 'Clear selection',
    deleteSelected: 'Delete selected',
  },
  expiry: {
    days7: '7 days',
    days30: '30 days',
    days60: '60 days',
    days90: '90 days',
    year: '1 year',
    mustBeTodayOrLater: 'The date must be today or later',
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
    person: 'Person',
    workload: 'Workload',
    exchange: 'Token exchange',
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
  rotationNote: {
    beingReplaced: (old: ReactNode, replacement: ReactNode) =>
      sentence`Being replaced: the old one ${old}, the new one ${replacement}.`,
    replacement: (old: ReactNode, replacement: ReactNode) =>
      sentence`Replaces another: the old one ${old}, the new one ${replacement}.`,
    unused: 'is unused',
    used: (time: string) => `was used ${time}`,
    openOld: 'Open the old one',
    openNew: 'Open the new one',
    continueReplacing: 'Continue…',
    ofCredential: (name: string) => phrase` replacing ${name}`,
  },
  statusTag: {
    inactive: 'Inactive',
    expired: 'Expired',
    spent: 'Used up',
    active: 'Active',
    expiresInLessThanADay: 'Expires in less than a day',
    expiresInDays: (days: number) => `Expires in ${days} days`,
  },
  rightTags: {
    moreRights: (rights: string) => ` more: ${rights}`,
  },
};
