const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** “3 days ago”, “in 2 hours”, “just now”. */
export function relativeTime(at: string | number | Date, now: number = Date.now()): string {
  const difference = new Date(at).getTime() - now;
  for (const [unit, size] of STEPS) {
    // What is still to come in five days and a half is there until the sixth, as the status of a credential counts.
    const count = difference > 0 ? Math.ceil(difference / size) : Math.trunc(difference / size);
    if (Math.abs(difference) >= size) return relative.format(count, unit);
  }
  return difference > 0 ? 'in less than a minute' : 'just now';
}

/** “24 Feb 2027, 09:00:00 GMT+1”, in the reader's zone. */
export const exactTime = (at: string | number | Date): string => exact.format(new Date(at));
/** “24 Feb 2027”, in the reader's zone. */
export const dayOf = (at: string | number | Date): string => day.format(new Date(at));
