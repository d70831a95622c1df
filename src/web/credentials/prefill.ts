import { DAY } from '../../contract/limits.ts';
import { formatDate } from '../components/format.ts';
import { parseTypedDate } from '../components/typed-date.ts';
import { type CredentialFormValues, NEW_CREDENTIAL } from './credential-form-values.ts';
import { EXPIRY_DURATIONS, type Expiry } from './expiry.ts';
import { strings } from './form-strings.ts';
import type { CredentialKindConfig, Right } from './kinds.ts';

const PARAMETERS = ['new', 'name', 'description', 'scopes', 'permissions', 'expires'] as const;
/** Passed to `ListState.set`, this removes the parameters of a link from the URL. */
export const WITHOUT_PREFILL = Object.fromEntries(PARAMETERS.map((parameter) => [parameter, null]));

/** The values that a link fills into the form for a new credential. */
export interface Prefill {
  readonly values: CredentialFormValues;
  /** Descriptions of values in the link that the form does not support. */
  readonly ignored: readonly string[];
}

const DAYS_PER_UNIT: Readonly<Record<string, number>> = { d: 1, w: 7, y: 365 };

/** Reads an expiry such as `30d`, `2w`, `1y`, `2027-02-24` or `never`; null if it is none of these. */
function readExpiry(text: string, now: number): Expiry | null {
  if (text === 'never') return { choice: 'never', dateText: '' };
  const fromDate = (dateText: string): Expiry | null =>
    'date' in parseTypedDate(dateText, 'en') ? { choice: 'date', dateText } : null;
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return fromDate(text);
  const [, count, unit = ''] = /^([1-9]\d{0,3})([dwy])$/.exec(text) ?? [];
  if (count === undefined) return null;
  const days = Number(count) * (DAYS_PER_UNIT[unit] ?? 0);
  const [choice] = EXPIRY_DURATIONS.find(([duration]) => duration === String(days)) ?? [];
  // A duration that the menu does not offer becomes a date.
  return choice === undefined ? fromDate(formatDate(now + days * DAY)) : { choice, dateText: '' };
}

/**
 * Returns the form values that a link such as `?new&name=CI&scopes=basic_deployment&expires=30d` sets; null if the URL
 * is not such a link. A link cannot set a passphrase, and never submits the form.
 */
export function readPrefill(
  get: (parameter: (typeof PARAMETERS)[number]) => string | undefined,
  kind: CredentialKindConfig,
  now: number,
): Prefill | null {
  if (get('new') === undefined) return null;
  const isToken = kind.kind === 'access_token';
  const availableRights = kind.rightGroups.flatMap(({ rights }) => rights);
  const requestedRights = [...new Set((get(isToken ? 'scopes' : 'permissions') ?? '').split(/[\s,]+/))].filter(
    (right) => right !== '',
  );
  const rights = requestedRights.filter((right): right is Right => availableRights.includes(right as Right));
  const expires = get('expires');
  const expiry = expires === undefined ? NEW_CREDENTIAL.expiry : readExpiry(expires, now);
  return {
    values: {
      ...NEW_CREDENTIAL,
      name: get('name') ?? '',
      // Access tokens have no description.
      description: isToken ? '' : (get('description') ?? ''),
      // `all` includes every other scope.
      rights: rights.includes('all') ? ['all'] : rights,
      expiry: expiry ?? NEW_CREDENTIAL.expiry,
    },
    ignored: [
      ...requestedRights
        .filter((right) => !availableRights.includes(right as Right))
        .map((right) => strings.prefill.unknownRight(kind.rightNoun, right)),
      ...(expiry === null && expires !== undefined ? [strings.prefill.unknownExpiry(expires)] : []),
    ],
  };
}
