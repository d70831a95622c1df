import { DAY } from '../../contract/limits.ts';
import { formatDate } from '../components/format.ts';

/** The options of the expiry field. `keep` is only for editing. */
export type ExpiryChoice = '7' | '30' | '60' | '90' | '365' | 'date' | 'never' | 'keep';

export interface Expiry {
  readonly choice: ExpiryChoice;
  /** `YYYY-MM-DD` in the browser's time zone, for the option `date`. */
  readonly date: string | null;
}

const EXPIRY_DURATIONS: readonly [ExpiryChoice, string][] = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['60', '60 days'],
  ['90', '90 days'],
  ['365', '1 year'],
];

const daysFromNow = (days: number, now: number) => now + days * DAY;

/** Returns the last millisecond of a day in the browser's time zone, as a timestamp. */
function endOfDay(date: string): number {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return new Date(year, month - 1, day, 23, 59, 59, 999).getTime();
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
              currentExpiresAt === null ? 'No change (never expires)' : `No change (${formatDate(currentExpiresAt)})`,
          },
        ]),
    ...EXPIRY_DURATIONS.map(([value, label]) => ({
      value,
      label: `${label} (${formatDate(daysFromNow(Number(value), now))})`,
    })),
    { value: 'date', label: 'Custom date…' },
    { value: 'never', label: 'No expiry' },
  ];
}

/** Returns the time of an expiry; null for never. A date means the end of that day. */
export function toExpiresAt(
  { choice, date }: Expiry,
  now: number,
  currentExpiresAt: string | null = null,
): string | null {
  if (choice === 'never') return null;
  if (choice === 'keep') return currentExpiresAt;
  if (choice === 'date') return date === null ? null : new Date(endOfDay(date)).toISOString();
  return new Date(daysFromNow(Number(choice), now)).toISOString();
}

export function validateExpiry({ choice, date }: Expiry, now: number): string | null {
  if (choice !== 'date') return null;
  if (date === null) return 'Choose a date';
  return endOfDay(date) > now ? null : 'The date must be in the future';
}

/** Returns the option closest to the lifetime of another credential. */
export function closestExpiry(createdAt: string, expiresAt: string | null): Expiry {
  if (expiresAt === null) return { choice: 'never', date: null };
  const days = (Date.parse(expiresAt) - Date.parse(createdAt)) / DAY;
  const [choice] = EXPIRY_DURATIONS.find(([durationDays]) => days <= Number(durationDays) + 1) ?? ['365' as const];
  return { choice, date: null };
}
