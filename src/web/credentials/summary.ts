import { formatDate } from '../components/format.ts';
import type { Right } from './kinds.ts';

const RIGHT_PHRASES: Readonly<Record<Right, string>> = {
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
};

const listFormat = new Intl.ListFormat('en', { style: 'long', type: 'conjunction' });

interface SummaryInput {
  readonly rights: readonly Right[];
  readonly rightNoun: string;
  /** Null for never, undefined for a date that is missing or invalid. */
  readonly expiresAt: string | null | undefined;
  readonly passphrase?: boolean;
  readonly active?: boolean;
  readonly guard?: boolean;
  readonly now: number;
}

/** Returns “24 Feb 2027”, or “the end of 24 Feb 2027” for the last millisecond of that day. */
function describeExpiry(expiresAt: string): string {
  const nextMs = Date.parse(expiresAt) + 1;
  const isEndOfDay = new Date(nextMs).setHours(0, 0, 0, 0) === nextMs;
  return `${isEndOfDay ? 'the end of ' : ''}${formatDate(expiresAt)}`;
}

/** Returns a summary such as “Can deploy and read analytics until 24 Feb 2027; passphrase required.” */
export function summarize(input: SummaryInput): string {
  const { rights, rightNoun, expiresAt, passphrase = false, active = true, guard = false, now } = input;
  if (rights.length === 0) return `Grants no access yet: select at least one ${rightNoun}.`;
  const phrases = rights.includes('all') ? [RIGHT_PHRASES.all] : rights.map((right) => RIGHT_PHRASES[right]);
  const ability = `Can ${listFormat.format(phrases)}`;
  if (expiresAt === undefined) return `${ability}; enter the date on which it expires.`;
  if (expiresAt !== null && Date.parse(expiresAt) <= now) {
    return `Expired on ${formatDate(expiresAt)}: requests are rejected until you choose a later expiry.`;
  }
  const expiry = expiresAt === null ? ', and never expires' : ` until ${describeExpiry(expiresAt)}`;
  const notes = [
    passphrase && '; passphrase required',
    guard && (rights.includes('read') ? '; guards allowed' : '; guards also need the permission read'),
    !active && '; inactive until you enable it',
  ].filter((note) => note !== false);
  return `${ability}${expiry}${notes.join('')}.`;
}
