import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { sentence } from '../components/sentence.ts';

export const strings = {
  credentialPage: {
    replace: 'Replace…',
    detailsTitle: 'Details',
    status: 'Status',
    violatesPolicy: 'Violates policy',
    description: 'Description',
    passphrase: 'Passphrase',
    required: 'Required',
    none: 'None',
    addresses: 'Addresses',
    maxUses: 'Maximum uses',
    guards: 'Guards',
    allowed: 'Allowed',
    expires: 'Expires',
    never: 'Never',
    lastUsed: 'Last used',
    uses: 'Uses',
    created: 'Created',
    createdBy: (time: ReactNode, name: string | null) => sentence`${time} by ${name ?? 'a former member'}`,
    updated: 'Updated',
    secret: 'Secret',
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
  eventsSection: {
    activityTitle: 'Activity',
    activityDescription: 'Changes to this credential, and its denied requests.',
    viewInActivityLog: 'View in activity log',
    noActivityRecorded: 'No activity recorded.',
  },
  usesChart: {
    uses: 'Uses',
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
    sourceAddressesDescription: 'The 20 most recent addresses it was used from.',
    reportedByGuardsTitle: 'Reported by guards',
    reportedByGuardsDescription: 'Uses counted by guards, per guard API key.',
  },
};
