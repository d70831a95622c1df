import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  credentialPage: {
    checkAccess: 'Check access…',
    replace: 'Replace…',
    detailsTitle: 'Details',
    status: 'Status',
    violatesPolicy: 'Violates policy',
    description: 'Description',
    passphrase: 'Passphrase',
    required: 'Required',
    none: 'None',
    guards: 'Guards',
    allowed: 'Allowed',
    expires: 'Expires',
    never: 'Never',
    lastUsed: 'Last used',
    uses: 'Uses',
    created: 'Created',
    issued: {
      workload: (time: ReactNode) => sentence`${time} for a workload identity`,
      exchange: (time: ReactNode) => sentence`${time} in exchange for another access token`,
    },
    createdBy: (time: ReactNode, name: string | null) => sentence`${time} by ${name ?? 'a former member'}`,
    updated: 'Updated',
    secret: 'Secret',
    imported: 'Imported by its digest',
    id: 'ID',
    notFoundTitle: (noun: string) => `${noun} not found`,
    doesNotExistTitle: (noun: string) => `This ${noun} does not exist`,
    doesNotExistHint: 'It was deleted or belongs to another workspace. A deleted credential no longer works.',
  },
  dailyUses: {
    noUses: 'No uses in the last 30 days.',
    usesOnOneDay: (total: number, day: string) =>
      `${total.toLocaleString('en')} ${plural(total, { one: 'use', other: 'uses' })} in the last 30 days, on ${day}.`,
    usesOnDays: ({
      total,
      dayCount,
      busiestDay,
      most,
    }: {
      total: number;
      dayCount: number;
      busiestDay: string;
      most: number;
    }) =>
      `${total.toLocaleString('en')} uses on ${dayCount} of the last 30 days; most on ${busiestDay} (${most.toLocaleString('en')}).`,
  },
  leakSection: {
    title: 'Leak',
    description: 'Where the secret of this credential was found in public, and what happened since the first report.',
    reports: 'Reports of the leak',
    unknownLocation: 'The report does not name a location',
    reported: (time: ReactNode, address: string | null) =>
      address === null ? sentence`reported ${time}` : sentence`reported ${time} from ${address}`,
    deleted: 'credential deleted immediately',
    onlyReported: 'credential not deleted, according to the policy',
    usesSince: 'Uses since the first report',
    usesIncludingReportDay: (count: number) =>
      `${count.toLocaleString('en')}, including the whole day of the first report`,
    usedFrom: 'Used from',
    refusedSince: 'Refused since the first report',
    refusals: (count: number, isPartial: boolean) =>
      isPartial ? `${count.toLocaleString('en')} or more` : count.toLocaleString('en'),
    refusedFrom: 'Refused from',
    none: 'None',
  },
  activitySection: {
    activityTitle: 'Activity',
    activityDescription: 'Changes to this credential, what was done with it, and its refused requests.',
    viewInActivityLog: 'View in activity log',
    noActivityRecorded: 'No activity recorded.',
  },
  restrictionItems: {
    addresses: 'Addresses',
    projects: 'Projects',
    apps: 'Apps',
    rate: 'Rate',
    maxUses: 'Maximum uses',
  },
  usesChart: {
    uses: 'Uses',
  },
  explainDialog: {
    title: (name: string) => phrase`Check access of ${name}`,
    introduction: (noun: string) =>
      `Check whether a request with this ${noun} would be allowed. Its secret is not needed, and no use is counted.`,
    requires: (rights: string) => `${rights} that the request requires`,
    requiresDescription: 'Select none if the request requires only a valid credential.',
    address: 'Client address (optional)',
    addressPlaceholder: '203.0.113.7',
    resource: 'App or project (optional)',
    resourceDescription: 'The prefix app: or project:, followed by an ID or a slug.',
    resourcePlaceholder: 'app:shop',
    check: 'Check access',
    close: 'Close',
    allowed: 'The request would be allowed.',
    refused: (step: string, response: string, reason: string) =>
      `The request would be refused (${response}) because of ${step}. ${reason}`,
    steps: {
      passphrase: 'the passphrase',
      active: 'the inactive state of the credential',
      expiry: 'the expiry of the credential',
      uses: 'the maximum number of uses',
      address: 'the client address',
      kind: 'the kind of credential',
      rights: 'missing scopes or permissions',
      resource: 'the app or project',
      rate: 'the rate limit',
    },
    assumesPassphrase: 'This assumes the correct passphrase.',
    assumesAddress: 'This assumes a client address that the credential may be used from.',
  },
  usedRightsSection: {
    title: (rights: string) => `${rights} used`,
    countedSince: (time: ReactNode) => sentence`Counted since ${time}.`,
    period: 'Period',
    lastDays: (days: number) => `Last ${days} days`,
    right: 'Name',
    app: 'App',
    lastUsed: 'Last used',
    deletedApp: (id: string) => `${id} (deleted)`,
    noneUsed: (rights: string, days: number) => `None of its ${rights} was used in the last ${days} days.`,
    allUsed: (rights: string, days: number) => `All of its ${rights} were used in the last ${days} days.`,
    unusedRights: (noun: string, rights: string, unused: readonly string[], days: number) =>
      `This ${noun} has ${rights} that it did not use in the last ${days} days: ${unused.join(', ')}.`,
    replaceWithUsed: (rights: string) => `Drop unused ${rights}…`,
  },
  usesSection: {
    showAsTable: 'Show as table',
    usesPerDay: 'Uses per day',
    dayUtc: 'Day (UTC)',
    uses: 'Uses',
    guardWithKey: (id: string) => `the guard with key ${id}`,
    usesReportedByGuards: 'Uses reported by guards',
    guardsApiKey: "Guard's API key",
    lastUsed: 'Last used',
    deletedKey: (id: string) => `${id} (deleted)`,
    notUsedYet: 'Not used yet.',
    sourceAddresses: 'Source addresses',
    address: 'Address',
    firstSeen: 'First seen',
    lastSeen: 'Last seen',
    reportedBy: (guard: string) => `reported by ${guard}`,
    usesPerDayTitle: 'Uses per day',
    sourceAddressesTitle: 'Source addresses',
    sourceAddressesDescription: 'The 20 addresses from which this credential was most recently used.',
    reportedByGuardsTitle: 'Reported by guards',
    reportedByGuardsDescription: "Uses counted by guards, one row for each guard's API key.",
  },
};
