import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { sentence } from '../components/sentence.ts';

const credentialsText = (count: number | null, max: number) =>
  count === null
    ? `More than ${max.toLocaleString('en')} credentials`
    : plural(count, { one: '1 credential', other: `${count.toLocaleString('en')} credentials` });
const membersText = (count: number | null, max: number) =>
  count === null
    ? `more than ${max.toLocaleString('en')} members`
    : plural(count, { one: '1 member', other: `${count.toLocaleString('en')} members` });

export const strings = {
  policyPage: {
    title: 'Policy',
    rulesTitle: 'Rules',
    description: 'Rules for the credentials and the members of this workspace. Only the owner can change them.',
  },
  policyForm: {
    save: 'Save…',
    discard: 'Discard changes',
    saved: 'Policy saved',
    allCredentialsTitle: 'All credentials',
    tokensTitle: 'Access tokens',
    peopleTitle: 'People',
    unusedTitle: 'Unused credentials',
    leaksTitle: 'Leaked credentials',
    importTitle: 'Imported credentials',
    prefixesDescription: (rule: string) => `${rule} Enter one per line.`,
    prefixesPlaceholder: 'acme_live_',
    tooManyPrefixes: (max: number) => `At most ${max} prefixes`,
    setUpTwoFactor: (rule: string, link: ReactNode) =>
      sentence`${rule} Before you can require it, ${link} for your own account.`,
    turnItOn: 'turn it on',
    bindsDescription: (rule: string, days: number) => `${rule} Must be at least ${days} days ahead.`,
    tooEarly: (days: number) => `Must be at least ${days} days ahead`,
  },
  labels: {
    maxLifetimeDays: 'Maximum lifetime in days (optional)',
    bindsExistingFrom: 'Date from which it applies to existing credentials (optional)',
    passphraseScopes: 'Scopes that require a passphrase',
    allowAll: 'Allow the scope “all”',
    requireAddresses: 'Require IP addresses',
    createdBy: 'Who can create credentials',
    requireTwoFactor: 'Require two-factor authentication',
    unusedAfterDays: 'Days without use',
    onLeak: 'When a secret is reported as leaked',
    foreignPrefixes: 'Prefixes of other systems (optional)',
  },
  rules: {
    maxLifetimeDays: 'Every new access token and API key must expire within this number of days of its creation.',
    bindsExistingFrom:
      'From the beginning of the chosen day, the maximum lifetime also applies to existing credentials. Without a date, existing credentials are exempt.',
    passphraseScopes: 'A new access token with any of these scopes, or with the scope “all”, must have a passphrase.',
    allowAll: 'If this is off, new access tokens must list each scope they need.',
    requireAddresses:
      'Every new access token and API key must be restricted to the IP addresses from which it can be used.',
    createdBy:
      'Also applies to enabling API keys and to changing their permissions, expiry, restrictions and “Allow guards” setting. Existing credentials keep working.',
    requireTwoFactor: 'Members without two-factor authentication can access only their own account.',
    unusedAfterDays:
      'After this many days without use, a credential counts as unused in notices, in the review and in the filters of the lists.',
    onLeak: 'Applies to an access token or API key whose secret was found where others can read it.',
    foreignPrefixes:
      'The prefixes of secrets issued by other systems. Credentials with such secrets can be imported and used here.',
  },
  values: {
    days: (days: number) => plural(days, { one: '1 day', other: `${days.toLocaleString('en')} days` }),
    noMaximum: 'No maximum',
    from: (date: string) => `From ${date}`,
    none: 'None',
    yes: 'Yes',
    no: 'No',
    createdBy: { admins: 'The owner and admins', owner: 'The owner only' },
    onLeak: { delete: 'Delete the credential', notify: 'Only notify the owner and admins' },
  },
  readLabels: {
    maxLifetimeDays: 'Maximum lifetime',
    bindsExistingFrom: 'Applies to existing credentials',
    passphraseScopes: 'Scopes that require a passphrase',
    allowAll: 'Scope “all” is allowed',
    requireAddresses: 'IP addresses are required',
    createdBy: 'Who can create credentials',
    requireTwoFactor: 'Two-factor authentication is required',
    unusedAfterDays: 'Unused after',
    onLeak: 'When a secret is reported as leaked',
    foreignPrefixes: 'Prefixes of other systems',
  },
  dryRunDialog: {
    title: 'Save policy',
    save: 'Save policy',
    nothing: 'No credentials or members would violate this policy.',
    credentialsAndMembers: (credentials: number | null, members: number | null, max: number) =>
      `${credentialsText(credentials, max)} and ${membersText(members, max)} would violate this policy.`,
    credentials: (count: number | null, max: number) => `${credentialsText(count, max)} would violate this policy.`,
    members: (count: number | null, max: number) =>
      count === null
        ? `More than ${max.toLocaleString('en')} members would violate this policy.`
        : `${membersText(count, max)} would violate this policy.`,
    credentialsTitle: 'Credentials',
    credentialsKeepWorking: 'They keep working until they expire. Filter the lists by “Violates policy” to find them.',
    membersTitle: 'Members',
    membersLoseAccess:
      'They can access only their own account until they turn on two-factor authentication. Their credentials keep working.',
    expires: (date: string) => `expires on ${date}`,
    more: (count: number | null) => (count === null ? 'and more' : `and ${count.toLocaleString('en')} more`),
  },
  ruleTags: {
    maxLifetimeDays: 'Lifetime too long',
    passphraseScopes: 'No passphrase',
    allowAll: 'Scope “all”',
    requireAddresses: 'No IP addresses',
    requireTwoFactor: 'No two-factor authentication',
  },
};
