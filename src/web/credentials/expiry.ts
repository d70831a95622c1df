import { endOfDay } from '../../contract/calendar-date.ts';
import { DAY } from '../../contract/limits.ts';
import { formatDate } from '../components/format.ts';
import { parseTypedDate, type TypedDate } from '../components/typed-date.ts';
import { strings } from './strings.ts';

/** The options of the expiry field. `keep` is only for editing. */
export type ExpiryChoice = '7' | '30' | '60' | '90' | '365' | 'date' | 'never' | 'keep';

export interface Expiry {
  readonly choice: ExpiryChoice;
  /** The date as typed, for the option `date`. */
  readonly dateText: string;
}

export const EXPIRY_DURATIONS: readonly [ExpiryChoice, string][] = [
  ['7', strings.expiry.days7],
  ['30', strings.expiry.days30],
  ['60', strings.expiry.days60],
  ['90', strings.expiry.days90],
  ['365', strings.expiry.year],
];

const daysFromNow = (days: number, now: number) => now + days * DAY;

/** Reads a typed date, whose end must be in the future. */
export function readExpiryDate(text: string, now: number, locale: string = navigator.language): TypedDate {
  const reading = parseTypedDate(text, locale);
  return 'date' in reading && (endOfDay(reading.date) ?? 0) <= now
    ? { error: strings.expiry.mustBeInTheFuture }
    : reading;
}

/** Returns the options, each with the date on which the credential would expire. */
export function expiryOptions(
  now: number,
  currentExpiresAt: string | null | undefined,
): { value: string; label: string }[] {
  return [
    ...(currentExpiresAt === undefined
      ? []
      : [
          {
            value: 'keep',
            label:
              currentExpiresAt === null
                ? strings.expiry.noChangeNeverExpires
                : strings.expiry.noChangeUntil(formatDate(currentExpiresAt)),
          },
        ]),
    ...EXPIRY_DURATIONS.map(([value, label]) => ({
      value,
      label: strings.expiry.withDate(label, formatDate(daysFromNow(Number(value), now))),
    })),
    { value: 'date', label: strings.expiry.customDate },
    { value: 'never', label: strings.expiry.noExpiry },
  ];
}

/**
 * Returns the time of an expiry; null for never, undefined for a date that cannot be read or is not in the future. A
 * date means the end of that day in the browser's time zone.
 */
export function toExpiresAt(
  { choice, dateText }: Expiry,
  now: number,
  currentExpiresAt: string | null = null,
): string | null | undefined {
  if (choice === 'never') return null;
  if (choice === 'keep') return currentExpiresAt;
  if (choice !== 'date') return new Date(daysFromNow(Number(choice), now)).toISOString();
  const reading = readExpiryDate(dateText, now);
  const endMs = 'date' in reading ? endOfDay(reading.date) : null;
  return endMs === null ? undefined : new Date(endMs).toISOString();
}

export function validateExpiry({ choice, dateText }: Expiry, now: number): string | null {
  if (choice !== 'date') return null;
  const reading = readExpiryDate(dateText, now);
  return 'error' in reading ? reading.error : null;
}

/** Returns the option closest to the lifetime of another credential. */
export function closestExpiry(createdAt: string, expiresAt: string | null): Expiry {
  if (expiresAt === null) return { choice: 'never', dateText: '' };
  const days = (Date.parse(expiresAt) - Date.parse(createdAt)) / DAY;
  const [choice] = EXPIRY_DURATIONS.find(([durationDays]) => days <= Number(durationDays) + 1) ?? ['365' as const];
  return { choice, dateText: '' };
}
