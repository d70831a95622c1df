import type { Policy, PolicyDryRun, UpdatePolicy } from '../contract/policy.ts';
import type { Scope } from '../contract/vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { parseCount, parseInstant, parseOnOff } from './input.ts';
import { type Column, countOf, formatDetails, print, printJson, printList, printNote } from './output.ts';

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');

const DETAILS: readonly Column<Policy>[] = [
  {
    title: 'Maximum lifetime',
    getValue: ({ maxLifetimeDays }) => (maxLifetimeDays === null ? 'none' : `${maxLifetimeDays} days`),
  },
  {
    title: 'Maximum applies to existing credentials from',
    getValue: ({ bindsExistingFrom }) => bindsExistingFrom ?? 'never',
  },
  { title: 'Passphrase required for', getValue: ({ passphraseScopes }) => passphraseScopes.join(' ') || 'no scope' },
  { title: 'Scope "all" allowed', getValue: ({ allowAll }) => yesOrNo(allowAll) },
  { title: 'IP addresses required', getValue: ({ requireAddresses }) => yesOrNo(requireAddresses) },
  { title: 'Two-factor required', getValue: ({ requireTwoFactor }) => yesOrNo(requireTwoFactor) },
  {
    title: 'May create credentials',
    getValue: ({ createdBy }) => (createdBy === 'owner' ? 'owner' : 'owner and admins'),
  },
  { title: 'Unused after', getValue: ({ unusedAfterDays }) => `${unusedAfterDays} days` },
  { title: 'Prefixes of other systems', getValue: ({ foreignPrefixes }) => foreignPrefixes.join(' ') || 'none' },
  { title: 'When a secret is leaked', getValue: ({ onLeak }) => onLeak },
];

async function printPolicy(policy: Policy, options: RemoteOptions): Promise<void> {
  await (options.json === true ? printJson(policy) : print(formatDetails(policy, DETAILS)));
}

/** Prints the policy of the workspace. */
export async function showPolicy(options: RemoteOptions): Promise<void> {
  await printPolicy(await connect(options).policy.get(), options);
}

export interface SetPolicyOptions extends RemoteOptions {
  readonly maxLifetimeDays: string | undefined;
  readonly bindsExistingFrom: string | undefined;
  readonly passphraseScope: readonly string[] | undefined;
  readonly allowAll: string | undefined;
  readonly requireAddresses: string | undefined;
  readonly requireTwoFactor: string | undefined;
  readonly createdBy: string | undefined;
  readonly unusedAfterDays: string | undefined;
  readonly onLeak: string | undefined;
  readonly foreignPrefix: readonly string[] | undefined;
  readonly dryRun: true | undefined;
}

/** Returns the requested change. The server validates scopes and enumerated values. */
function readChange(options: SetPolicyOptions): UpdatePolicy {
  const { maxLifetimeDays, bindsExistingFrom, passphraseScope, createdBy, onLeak, foreignPrefix } = options;
  const readOnOff = (field: 'allowAll' | 'requireAddresses' | 'requireTwoFactor', name: string) => {
    const text = options[field];
    return text === undefined ? {} : { [field]: parseOnOff(name, text) };
  };
  return {
    ...(maxLifetimeDays !== undefined && {
      maxLifetimeDays: maxLifetimeDays === 'none' ? null : parseCount('--max-lifetime-days', maxLifetimeDays),
    }),
    ...(bindsExistingFrom !== undefined && {
      bindsExistingFrom:
        bindsExistingFrom === 'never' ? null : parseInstant('--binds-existing-from', bindsExistingFrom),
    }),
    ...(passphraseScope !== undefined && {
      passphraseScopes: passphraseScope.filter((scope) => scope !== 'none') as Scope[],
    }),
    ...readOnOff('allowAll', '--allow-all'),
    ...readOnOff('requireAddresses', '--require-addresses'),
    ...readOnOff('requireTwoFactor', '--require-two-factor'),
    ...(createdBy !== undefined && { createdBy: createdBy as Policy['createdBy'] }),
    ...(options.unusedAfterDays !== undefined && {
      unusedAfterDays: parseCount('--unused-after-days', options.unusedAfterDays),
    }),
    ...(foreignPrefix !== undefined && { foreignPrefixes: foreignPrefix.filter((prefix) => prefix !== 'none') }),
    ...(onLeak !== undefined && { onLeak: onLeak as Policy['onLeak'] }),
  };
}

const MAX_DRY_RUN_RESULTS = 200;

/** Prints the credentials and members that would violate the policy, and their totals to standard error. */
async function printDryRun({ credentials, members }: PolicyDryRun, options: RemoteOptions): Promise<void> {
  const rows = [
    ...credentials.data.map(({ id, kind, name, rules, expiresAt }) => ({ id, kind, name, rules, expiresAt })),
    ...members.data.map(({ id, name, rules }) => ({ id, kind: 'member', name, rules, expiresAt: null })),
  ];
  await printList(
    rows,
    [
      { title: 'ID', getValue: ({ id }) => id },
      { title: 'KIND', getValue: ({ kind }) => kind },
      { title: 'NAME', getValue: ({ name }) => name },
      { title: 'RULES', getValue: ({ rules }) => rules.join(' ') },
      { title: 'WOULD EXPIRE', getValue: ({ kind, expiresAt }) => (kind === 'member' ? null : (expiresAt ?? 'never')) },
    ],
    options,
  );
  const formatTotal = ({ total }: { total: number | null }, noun: string) =>
    total === null ? `more than 10,000 ${noun}s` : countOf(total, noun);
  printNote(
    `Nothing was changed. Violations of the policy: ${formatTotal(credentials, 'credential')}, ${formatTotal(members, 'member')}.`,
    options,
  );
}

/** Changes the policy of the workspace; with `--dry-run`, only prints the violations that the change would cause. */
export async function setPolicy(options: SetPolicyOptions): Promise<void> {
  const change = readChange(options);
  if (Object.keys(change).length === 0) throw new Failure('Nothing to change. See: devpilot policy set --help');
  const { policy } = connect(options);
  if (options.dryRun !== true) return printPolicy(await policy.update(change), options);
  const dryRun = await policy.dryRun(change, { limit: MAX_DRY_RUN_RESULTS });
  if (options.json === true) await printJson(dryRun);
  else await printDryRun(dryRun, options);
}
