import { endOfDay } from '../../contract/calendar-date.ts';
import { DAY, MINUTE } from '../../contract/limits.ts';
import type { Policy } from '../../contract/policy.ts';
import { latestExpiry } from '../../contract/policy-rules.ts';
import { formatDate, formatDateTime } from '../components/format.ts';
import { parseTypedDate, type TypedDate } from '../components/typed-date.ts';
import { strings } from './strings.ts';

/** The options of the expiry field. `keep` is only for editing, `latest` only with a maximum lifetime. */
export type ExpiryChoice = '7' | '30' | '60' | '90' | '365' | 'latest' | 'date' | 'never' | 'keep';

export interface Expiry {
  readonly choice: ExpiryChoice;
  /** The date as typed, for the option `date`. */
  readonly dateText: string;
}

/** The durations to choose from, in days, with their labels. */
export const EXPIRY_DURATIONS: readonly [ExpiryChoice, string][] = [
  ['7', strings.expiry.days7],
  ['30', strings.expiry.days30],
  ['60', strings.expiry.days60],
  ['90', strings.expiry.days90],
  ['365', strings.expiry.year],
];

/**
 * How much earlier than the maximum lifetime a new credential expires, because the clock of the server can be behind.
 */
const CLOCK_MARGIN_MS = MINUTE;

/** The time at which a form was opened, and the latest expiry that the policy of the workspace allows. */
export interface ExpiryLimits {
  readonly now: number;
  /** In epoch milliseconds; null for no limit. */
  readonly latest: number | null;
}

/** Returns the limits of a credential; `createdAt` is null for a new credential. */
export function expiryLimits(policy: Policy, now: number, createdAt: string | null): ExpiryLimits {
  const latest = latestExpiry(policy, createdAt === null ? now : Date.parse(createdAt));
  if (latest === null) return { now, latest };
  // An existing credential that expires exactly at the limit would look as if the policy had ended it
  // (`findViolatedRules`).
  return { now, latest: latest - (createdAt === null ? CLOCK_MARGIN_MS : 1) };
}

/**
 * Returns when a duration that starts now ends; `latest` if it would end later, but by no more than the clock margin.
 */
function endOfDuration(choice: ExpiryChoice, { now, latest }: ExpiryLimits): number {
  const end = now + Number(choice) * DAY;
  return latest !== null && end > latest && end <= latest + CLOCK_MARGIN_MS ? latest : end;
}

/** Whether the limits allow an option. A typed date is checked by `readExpiryDate`. */
function isAllowed(choice: ExpiryChoice, limits: ExpiryLimits): boolean {
  const { now, latest } = limits;
  if (choice === 'latest') return latest !== null && latest > now;
  if (latest === null || choice === 'keep' || choice === 'date') return true;
  return choice !== 'never' && endOfDuration(choice, limits) <= latest;
}

/** Parses a typed date. The end of that day must be in the future and within the limits. */
export function readExpiryDate(text: string, { now, latest }: ExpiryLimits): TypedDate {
  const parsed = parseTypedDate(text, navigator.language);
  if (!('date' in parsed)) return parsed;
  const end = endOfDay(parsed.date) ?? 0;
  if (end <= now) return { error: strings.expiry.mustBeTodayOrLater };
  return latest !== null && end > latest ? { error: strings.expiry.policyAllowsUntil(formatDateTime(latest)) } : parsed;
}

/** Returns the options of the expiry field. A label contains the date of the expiry if the option determines it. */
export function expiryOptions(
  limits: ExpiryLimits,
  currentExpiresAt: string | null | undefined,
): { value: string; label: string; disabled: boolean }[] {
  const { latest } = limits;
  const durations = EXPIRY_DURATIONS.map(([choice]) => choice);
  const isLatestADuration = durations.some((choice) => endOfDuration(choice, limits) === latest);
  const options: { value: ExpiryChoice; label: string }[] = [];
  if (currentExpiresAt !== undefined) {
    const label =
      currentExpiresAt === null
        ? strings.expiry.noChangeNeverExpires
        : strings.expiry.noChangeUntil(formatDate(currentExpiresAt));
    options.push({ value: 'keep', label });
  }
  for (const [value, duration] of EXPIRY_DURATIONS) {
    options.push({ value, label: strings.expiry.withDate(duration, formatDate(endOfDuration(value, limits))) });
  }
  if (latest !== null && !isLatestADuration && isAllowed('latest', limits)) {
    options.push({ value: 'latest', label: strings.expiry.withDate(strings.expiry.latestAllowed, formatDate(latest)) });
  }
  options.push({ value: 'date', label: strings.expiry.customDate }, { value: 'never', label: strings.expiry.noExpiry });
  return options.map((option) => ({ ...option, disabled: !isAllowed(option.value, limits) }));
}

/** Returns the given expiry if the limits allow it, otherwise the option for the longest lifetime that they allow. */
export function fitExpiry(expiry: Expiry, limits: ExpiryLimits): Expiry {
  if (isAllowed(expiry.choice, limits)) return expiry;
  const [longest] = EXPIRY_DURATIONS.find(([choice]) => endOfDuration(choice, limits) === limits.latest) ?? [];
  return { choice: longest ?? 'latest', dateText: '' };
}

/**
 * Returns the time of an expiry; null for never, undefined for a date that is invalid or not within the limits.
 * A date means the end of that day in the browser's time zone.
 */
export function toExpiresAt(
  { choice, dateText }: Expiry,
  limits: ExpiryLimits,
  currentExpiresAt: string | null = null,
): string | null | undefined {
  if (choice === 'never') return null;
  if (choice === 'keep') return currentExpiresAt;
  if (choice === 'latest') return limits.latest === null ? undefined : new Date(limits.latest).toISOString();
  if (choice !== 'date') return new Date(endOfDuration(choice, limits)).toISOString();
  const parsed = readExpiryDate(dateText, limits);
  const endMs = 'date' in parsed ? endOfDay(parsed.date) : null;
  return endMs === null ? undefined : new Date(endMs).toISOString();
}

/**
 * Returns the validation error of an expiry, or null. A date must not be past at `submittedAt`, which can be long after
 * the form was opened (`limits.now`).
 */
export function validateExpiry(
  { choice, dateText }: Expiry,
  limits: ExpiryLimits,
  submittedAt: number = limits.now,
): string | null {
  if (choice !== 'date') return isAllowed(choice, limits) ? null : strings.expiry.notAllowedByPolicy;
  const parsed = readExpiryDate(dateText, { ...limits, now: submittedAt });
  return 'error' in parsed ? parsed.error : null;
}

/** Returns the shortest option that covers the lifetime of another credential, or a year if none does. */
export function shortestCoveringExpiry(createdAt: string, expiresAt: string | null): Expiry {
  if (expiresAt === null) return { choice: 'never', dateText: '' };
  const days = (Date.parse(expiresAt) - Date.parse(createdAt)) / DAY;
  // One day of tolerance, because an expiry date means the end of that day.
  const [choice] = EXPIRY_DURATIONS.find(([durationDays]) => days <= Number(durationDays) + 1) ?? ['365' as const];
  return { choice, dateText: '' };
}
