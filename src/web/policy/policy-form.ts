import type { FormRulesRecord } from '@mantine/form';
import {
  FOREIGN_PREFIX,
  FOREIGN_PREFIX_MESSAGE,
  OWN_PREFIX_MESSAGE,
  overlapsOwnPrefix,
} from '../../contract/foreign-prefixes.ts';
import { DAY, FOREIGN_PREFIX_LIMITS, POLICY_LIMITS } from '../../contract/limits.ts';
import type { Policy, UpdatePolicy } from '../../contract/policy.ts';
import type { Scope } from '../../contract/vocabulary.ts';
import { formatDate } from '../components/format.ts';
import { parseTypedDate, startOfDay, type TypedDate } from '../components/typed-date.ts';
import { validateInteger } from '../validation.ts';
import { strings } from './strings.ts';

/** The rules that the page shows. */
type ShownRule = keyof typeof strings.rules;
export type ShownPolicy = Pick<Policy, ShownRule>;

export type PolicyFormValues = {
  /** Empty for no maximum. */
  readonly maxLifetimeDays: number | string;
  /** The first day on which the maximum lifetime applies to existing credentials, as typed; empty for never. */
  readonly bindsExistingFrom: string;
  /** The stored value of the policy's `bindsExistingFrom`, which need not be the beginning of a day. */
  readonly storedBindsExistingFrom: string | null;
  readonly passphraseScopes: readonly Scope[];
  readonly allowAll: boolean;
  readonly requireAddresses: boolean;
  readonly createdBy: Policy['createdBy'];
  readonly requireTwoFactor: boolean;
  readonly unusedAfterDays: number | string;
  readonly onLeak: Policy['onLeak'];
  /** As typed: separated by spaces, commas or line breaks. */
  readonly foreignPrefixes: string;
};

export function toFormValues(policy: ShownPolicy): PolicyFormValues {
  const { maxLifetimeDays, bindsExistingFrom, passphraseScopes, allowAll, createdBy, requireTwoFactor } = policy;
  return {
    maxLifetimeDays: maxLifetimeDays ?? '',
    bindsExistingFrom: bindsExistingFrom === null ? '' : formatDate(bindsExistingFrom),
    storedBindsExistingFrom: bindsExistingFrom,
    passphraseScopes,
    allowAll,
    createdBy,
    requireTwoFactor,
    requireAddresses: policy.requireAddresses,
    unusedAfterDays: policy.unusedAfterDays,
    onLeak: policy.onLeak,
    foreignPrefixes: policy.foreignPrefixes.join('\n'),
  };
}

const isBindsExistingFromUnchanged = ({ bindsExistingFrom, storedBindsExistingFrom }: PolicyFormValues): boolean =>
  bindsExistingFrom === (storedBindsExistingFrom === null ? '' : formatDate(storedBindsExistingFrom));

/**
 * Parses the day from which the maximum lifetime applies to existing credentials. Rejects days in the notice period,
 * except the stored day.
 */
export function parseBindsExistingFrom(values: PolicyFormValues, now: number): TypedDate {
  const parsed = parseTypedDate(values.bindsExistingFrom, navigator.language);
  if (!('date' in parsed) || isBindsExistingFromUnchanged(values)) return parsed;
  const { noticeDays } = POLICY_LIMITS;
  const isTooEarly = startOfDay(parsed.date).getTime() < now + noticeDays * DAY;
  return isTooEarly ? { error: strings.policyForm.tooEarly(noticeDays) } : parsed;
}

function toBindsExistingFrom(values: PolicyFormValues): string | null {
  if (values.maxLifetimeDays === '') return null;
  if (isBindsExistingFromUnchanged(values)) return values.storedBindsExistingFrom;
  // The form has already been validated, so no day is too early.
  const parsed = parseBindsExistingFrom(values, Number.NEGATIVE_INFINITY);
  return 'date' in parsed ? startOfDay(parsed.date).toISOString() : null;
}

const toPrefixes = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((prefix) => prefix !== ''))];

/** Returns the validation error of the typed prefixes, or null. */
function validatePrefixes(text: string): string | null {
  const prefixes = toPrefixes(text);
  const { perWorkspace } = FOREIGN_PREFIX_LIMITS;
  if (prefixes.length > perWorkspace) return strings.policyForm.tooManyPrefixes(perWorkspace);
  const malformed = prefixes.find((prefix) => !FOREIGN_PREFIX.test(prefix));
  if (malformed !== undefined) return `${malformed} ${FOREIGN_PREFIX_MESSAGE}`;
  const overlapping = prefixes.find(overlapsOwnPrefix);
  return overlapping === undefined ? null : `${overlapping} ${OWN_PREFIX_MESSAGE}`;
}

/** Converts the form to the API's fields. The values must have passed `POLICY_FORM_RULES`. */
export function toRequestFields(values: PolicyFormValues): Required<Pick<UpdatePolicy, ShownRule>> {
  const { maxLifetimeDays, passphraseScopes, allowAll, createdBy, requireTwoFactor, unusedAfterDays } = values;
  return {
    maxLifetimeDays: maxLifetimeDays === '' ? null : Number(maxLifetimeDays),
    bindsExistingFrom: toBindsExistingFrom(values),
    passphraseScopes: [...passphraseScopes],
    allowAll,
    createdBy,
    requireTwoFactor,
    requireAddresses: values.requireAddresses,
    unusedAfterDays: Number(unusedAfterDays),
    onLeak: values.onLeak,
    foreignPrefixes: toPrefixes(values.foreignPrefixes),
  };
}

export const POLICY_FORM_RULES: FormRulesRecord<PolicyFormValues> = {
  maxLifetimeDays: (days) => (days === '' ? null : validateInteger(days, POLICY_LIMITS.maxLifetimeDays)),
  bindsExistingFrom: (text, values) => {
    if (text.trim() === '' || values.maxLifetimeDays === '') return null;
    const parsed = parseBindsExistingFrom(values, Date.now());
    return 'error' in parsed ? parsed.error : null;
  },
  unusedAfterDays: (days) => validateInteger(days, POLICY_LIMITS.unusedAfterDays),
  foreignPrefixes: validatePrefixes,
};
