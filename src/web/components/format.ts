import { strings } from './strings.ts';

/** Returns the plural of a resource's noun, which is part of its query keys. */
export const pluralOf = (noun: string): string => (noun.endsWith('ity') ? `${noun.slice(0, -1)}ies` : `${noun}s`);

export const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const MAX_NAME_LENGTH = 60;

/** Shortens a name for titles and messages to at most 60 characters, including the ellipsis. */
export function shortenName(name: string): string {
  const characters = [...name];
  return characters.length <= MAX_NAME_LENGTH ? name : `${characters.slice(0, MAX_NAME_LENGTH - 1).join('')}…`;
}

const RELATIVE_UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const relativeTimeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const dateTimeFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const longDateFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' });
const timeOfDayFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });

/** Formats a time relative to `now`: "3 days ago", "in 2 hours", "just now". */
export function formatRelativeTime(time: string | number | Date, now: number = Date.now()): string {
  const differenceMs = new Date(time).getTime() - now;
  for (const [unit, unitMs] of RELATIVE_UNITS) {
    // Future times are rounded up, as in the status of a credential: five and a half days from now is "in 6 days".
    const count = differenceMs > 0 ? Math.ceil(differenceMs / unitMs) : Math.trunc(differenceMs / unitMs);
    if (Math.abs(differenceMs) >= unitMs) return relativeTimeFormat.format(count, unit);
  }
  return differenceMs > 0 ? strings.format.inLessThanAMinute : strings.format.justNow;
}

const compactNumberFormat = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** Formats a number for the axes of charts: "1.2K". */
export const formatCompactNumber = (value: number): string => compactNumberFormat.format(value);

/** Formats as "24 Feb 2027, 09:00:00 GMT+1" in the browser's time zone. */
export const formatDateTime = (time: string | number | Date): string => dateTimeFormat.format(new Date(time));
/** Formats as "24 Feb 2027" in the browser's time zone. */
export const formatDate = (time: string | number | Date): string => dateFormat.format(new Date(time));
/** Formats as "Wednesday 24 February 2027" in the browser's time zone. */
export const formatLongDate = (time: string | number | Date): string => longDateFormat.format(new Date(time));
/** Formats as "09:00" in the browser's time zone. */
export const formatTimeOfDay = (time: string | number | Date): string => timeOfDayFormat.format(new Date(time));
