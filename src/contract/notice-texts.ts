import type { NoticeKind } from './event-names.ts';

/** The fields of a notice on which its text depends. */
export interface DescribedNotice {
  readonly kind: NoticeKind;
  readonly subject: { readonly kind: string; readonly id: string | null; readonly name: string | null };
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface NoticeText {
  readonly title: string;
  /** The recommended next step, and the path of its page in the web UI. */
  readonly action: { readonly text: string; readonly path: string };
}

const NOUNS: Readonly<Record<string, string>> = { access_token: 'access token', api_key: 'API key' };

/** Formats a time like "2026-12-29 09:00 UTC". */
const formatUtc = (value: unknown): string => `${String(value).slice(0, 16).replace('T', ' ')} UTC`;

const pathSegment = (value: unknown): string => encodeURIComponent(String(value));

const TEXTS: Readonly<Record<NoticeKind, (notice: DescribedNotice, name: string) => NoticeText>> = {
  'credential.expiring': (notice, name) => ({
    title: `${name} expires on ${formatUtc(notice.detail['expiresAt'])}`,
    action: { text: 'Replace it', path: credentialPath(notice) },
  }),
  'credential.expired': (notice, name) => ({
    title: `${name} expired on ${formatUtc(notice.detail['expiresAt'])}`,
    action: { text: 'Replace or delete it', path: credentialPath(notice) },
  }),
  'credential.unused': (notice, name) => ({
    title: `${name} has not been used for ${String(notice.detail['days'])} days`,
    action: { text: 'Delete it if nothing needs it', path: credentialPath(notice) },
  }),
  'credential.leaked': (notice, name) => ({
    title: `${name} was leaked`,
    action: {
      text: notice.detail['deleted'] === true ? 'Check what it was used for' : 'Replace it and delete it',
      path: notice.detail['deleted'] === true ? logPath(notice) : credentialPath(notice),
    },
  }),
  'credential.used_after_deletion': (notice, name) => ({
    title: `${name} was used after its deletion`,
    action: { text: 'Find what still uses it', path: logPath(notice) },
  }),
  'credential.violates_policy': (notice, name) => ({
    title: `${name} violates the policy of the workspace`,
    action: { text: 'Replace it with one that the policy allows', path: credentialPath(notice) },
  }),
  'credential.orphaned': (notice, name) => ({
    title: `The creator of ${name.replace(/^The/, 'the')} has left the workspace`,
    action: { text: 'Replace it, because the creator might still know the secret', path: credentialPath(notice) },
  }),
  'deployment.failed': ({ subject, detail }) => ({
    title: `A deployment of ${quoted(subject.name)} failed`,
    action: { text: 'Read its log', path: `/deployments/${pathSegment(detail['deploymentId'])}` },
  }),
  'run.failed': ({ subject, detail }) => ({
    title: `A run of ${quoted(subject.name)} failed`,
    action: { text: 'Read its log', path: `/runs/${pathSegment(detail['runId'])}` },
  }),
  'backup.failed': ({ subject, detail }) => ({
    title:
      detail['verification'] === true
        ? `The verification of a backup of ${quoted(subject.name)} failed`
        : `A backup of ${quoted(subject.name)} failed`,
    action: { text: 'See its error', path: `/apps/${pathSegment(subject.id)}/backups` },
  }),
  'error.new': ({ subject }) => ({
    title: `New error: ${subject.name ?? ''}`,
    action: { text: 'View issue', path: `/errors/${pathSegment(subject.id)}` },
  }),
  'error.reopened': ({ subject }) => ({
    title: `A resolved error was reported again: ${subject.name ?? ''}`,
    action: { text: 'View issue', path: `/errors/${pathSegment(subject.id)}` },
  }),
  'webhook.switched_off': ({ subject, detail }) => {
    const reason = detail['reason'] === 'gone' ? 'its receiver is gone (410)' : 'its messages failed for 3 days';
    return {
      title: `The webhook ${quoted(subject.name)} was switched off: ${reason}`,
      action: {
        text: 'Repair the receiver, then activate the webhook',
        path: `/settings/webhooks/${pathSegment(subject.id)}`,
      },
    };
  },
};

const quoted = (name: string | null): string => `“${name ?? ''}”`;

function credentialPath({ subject }: DescribedNotice): string {
  return `/settings/${subject.kind === 'api_key' ? 'api-keys' : 'access-tokens'}/${pathSegment(subject.id)}`;
}

const logPath = ({ subject }: DescribedNotice): string =>
  `/settings/activity-log?credential=${pathSegment(subject.id)}`;

/** Returns the title of a notice and the recommended next step, as plain text. Runs in browsers. Pure. */
export function describeNotice(notice: DescribedNotice): NoticeText {
  const { kind, name } = notice.subject;
  return TEXTS[notice.kind](notice, `The ${NOUNS[kind] ?? kind} ${quoted(name)}`);
}

const URGENT_KINDS: readonly NoticeKind[] = [
  'credential.leaked',
  'credential.used_after_deletion',
  'deployment.failed',
  'backup.failed',
  'webhook.switched_off',
];

/** Returns whether a notice must not wait for the daily email. Pure. */
export function isUrgent({ kind, detail }: Pick<DescribedNotice, 'kind' | 'detail'>): boolean {
  return URGENT_KINDS.includes(kind) || (kind === 'credential.expiring' && detail['days'] === 1);
}
