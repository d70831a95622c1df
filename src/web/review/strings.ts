import type { ReactNode } from 'react';
import type { ReviewReason } from '../../contract/vocabulary.ts';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

const credentialCount = (count: number): string =>
  plural(count, { one: '1 credential', other: `${count.toLocaleString('en')} credentials` });

const reasons: Readonly<Record<ReviewReason, string>> = {
  creator_left: 'Creator left',
  violates_policy: 'Violates policy',
  holds_all: 'Holds all scopes',
  unused: 'Unused',
  broader_than_used: 'Broader than used',
  never_expires: 'Never expires',
  never_used: 'Never used',
  expiring: 'Expires soon',
  no_passphrase: 'No passphrase',
  expired: 'Expired',
};

export const strings = {
  reasons,
  page: {
    title: 'Review',
    description:
      'Credentials that need a decision, highest risk first. You can keep a credential, replace it with one that has fewer permissions, or delete it.',
    listLabel: 'Credentials to review',
    filterLabel: 'Reasons',
    all: (count: number | null) => (count === null ? 'All' : `All (${count.toLocaleString('en')})`),
    reason: (reason: ReviewReason, count: number) => `${reasons[reason]} (${count.toLocaleString('en')})`,
    includeKept: 'Show kept credentials',
    exportCsv: 'Export CSV',
    onlyCreatedBy: (name: ReactNode) => sentence`Only credentials created by ${name}.`,
    thisPerson: 'this person',
    showAll: 'Show all',
    emptyTitle: 'Nothing to review',
    lastDecision: (time: ReactNode, name: string | null) =>
      name === null ? sentence`Last decision on ${time}.` : sentence`Last decision on ${time} by ${name}.`,
    noDecision: 'No credentials need a decision, and no decisions have been recorded yet.',
    selection: 'Selected credentials',
    selected: (count: number) => `${count} selected`,
    clearSelection: 'Clear selection',
    keepSelected: 'Keep selected…',
    deleteSelected: 'Delete selected…',
  },
  columns: {
    credential: 'Credential',
    reasons: 'Reasons',
    created: 'Created',
    createdBy: (name: string) => phrase`by ${name}`,
    createdByFormerMember: 'by a former member',
    expires: 'Expires',
    never: 'Never',
    lastUsed: 'Last used',
    used: (rights: string) => `Used only: ${rights}`,
    kept: (name: string | null, until: ReactNode, note: string | null) =>
      note === null
        ? sentence`Kept by ${name ?? 'someone'} until ${until}`
        : sentence`Kept by ${name ?? 'someone'} until ${until}: ${note}`,
  },
  actions: {
    keep: 'Keep…',
    narrow: (rights: string) => `Drop unused ${rights}…`,
    replace: 'Replace…',
    details: 'Details and activity',
  },
  keepDialog: {
    title: (names: readonly string[]) => {
      const [name] = names;
      return name !== undefined && names.length === 1 ? phrase`Keep ${name}` : `Keep ${credentialCount(names.length)}`;
    },
    explanation: (count: number, days: number) =>
      plural(count, {
        one: `It does not appear in the review for ${days} days, unless a new reason arises. The activity log records this decision and the note.`,
        other: `They do not appear in the review for ${days} days, unless a new reason arises. The activity log records these decisions and the note.`,
      }),
    note: 'Note (optional)',
    notePlaceholder: 'Used by the yearly report',
    keep: 'Keep',
    kept: (count: number) => `${credentialCount(count)} kept`,
  },
  revealedVariables: {
    title: 'Variable values this person viewed',
    description: (name: string) =>
      phrase`According to the activity log, ${name} viewed the values of these variables. Rotate the secrets among them.`,
    incompleteDescription: (name: string) =>
      phrase`According to the activity log, ${name} viewed the values of these variables. Rotate the secrets among them. Only the most recent views are considered: the activity log also contains earlier ones.`,
    names: (names: string, more: number) => (more === 0 ? names : phrase`${names} and ${more} more`),
    lastRevealed: (time: ReactNode) => sentence`last viewed ${time}`,
    viewLog: 'View in activity log',
    none: (name: string) => phrase`The activity log does not show that ${name} viewed the value of any variable.`,
  },
};
