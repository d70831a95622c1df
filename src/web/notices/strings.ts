import type { ReactNode } from 'react';
import type { NoticeKind, NoticeStatus } from '../../contract/event-names.ts';
import { phrase, sentence } from '../components/sentence.ts';

const kinds: Readonly<Record<NoticeKind, string>> = {
  'credential.expiring': 'Expiring',
  'credential.expired': 'Expired',
  'credential.unused': 'Unused',
  'credential.leaked': 'Leaked',
  'credential.used_after_deletion': 'Used after deletion',
  'credential.violates_policy': 'Violates policy',
  'credential.orphaned': 'Creator left',
  'deployment.failed': 'Failed deployment',
  'run.failed': 'Failed run',
  'backup.failed': 'Failed backup or verification',
  'error.new': 'New error',
  'error.reopened': 'Reopened error',
  'webhook.switched_off': 'Webhook switched off',
};

const statuses: Readonly<Record<NoticeStatus, string>> = {
  open: 'Open',
  snoozed: 'Snoozed',
  dismissed: 'Dismissed',
};

export const strings = {
  kinds,
  statuses,
  page: {
    title: 'Notices',
    description: 'Problems in this workspace that need attention. A notice disappears when its cause is resolved.',
    status: 'Status',
    kind: 'Kind',
    anyKind: 'Any kind',
    columns: { notice: 'Notice', since: 'Since', next: 'Next step' },
    emptyTitle: 'Nothing needs attention',
    emptyHint:
      'This page lists problems such as credentials that are expiring, unused or leaked; deployments, script runs and backups that failed; new errors; and webhooks that were switched off.',
    emptyFilteredTitle: 'No notices',
    emptyFilteredHint: 'No notice has this status.',
    dismiss: 'Dismiss',
    snooze: (duration: string) => `Snooze for ${duration}`,
    reopen: 'Reopen',
    durations: { day: '1 day', week: '1 week', month: '30 days' },
    dismissed: (title: string) => phrase`Dismissed: ${title}`,
    snoozed: (title: string) => phrase`Snoozed: ${title}`,
    createdBy: (name: string) => phrase`Credential created by ${name}`,
    creatorDeleted: 'Credential created by a deleted account',
    deleted: (time: ReactNode, addresses: string) =>
      addresses === '' ? sentence`deleted ${time}` : sentence`deleted ${time} and used from ${addresses} since`,
    neverUsed: 'never used',
    lastUsed: (time: ReactNode, addresses: string) =>
      addresses === '' ? sentence`last used ${time}` : sentence`last used ${time} from ${addresses}`,
    dismissedBy: (name: ReactNode, time: ReactNode) => sentence`Dismissed by ${name} ${time}`,
    snoozedUntil: (time: ReactNode) => sentence`Snoozed until ${time}`,
    deletedAccount: 'a deleted account',
  },
};
