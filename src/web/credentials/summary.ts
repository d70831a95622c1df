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
  readonly expiresAt: string | null;
  readonly passphrase?: boolean;
  readonly active?: boolean;
}

/** Returns a summary such as “Can deploy and read analytics until 24 Feb 2027; passphrase required.” */
export function summarize({ rights, expiresAt, passphrase = false, active = true }: SummaryInput): string {
  const phrases = rights.includes('all') ? [RIGHT_PHRASES.all] : rights.map((right) => RIGHT_PHRASES[right]);
  const ability = phrases.length === 0 ? 'Grants no access yet' : `Can ${listFormat.format(phrases)}`;
  const expiry = expiresAt === null ? ', and never expires' : ` until ${formatDate(expiresAt)}`;
  const passphraseNote = passphrase ? '; passphrase required' : '';
  const inactiveNote = active ? '' : '; inactive until you enable it';
  return `${ability}${expiry}${passphraseNote}${inactiveNote}.`;
}
