/** Returns whether a month (1 to 12) of a year has this day, in the Gregorian calendar. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  // Unlike the constructor, `setFullYear` does not read the years 0 to 99 as 1900 to 1999.
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/**
 * Returns the first millisecond, in local time, of the day `days` days after a date; null if the date does not exist.
 */
function startOfDayAfter(date: string, days: number): number | null {
  const [year = 0, month = 0, day = 0] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []).slice(1).map(Number);
  if (!isCalendarDay(year, month, day)) return null;
  const start = new Date(2000, 0, 1);
  start.setFullYear(year, month - 1, day + days);
  return start.getTime();
}

/**
 * Returns the first millisecond of a day such as `2027-02-24` in the local time zone, in epoch milliseconds; null if
 * the day does not exist. Use it for the start of a period that is given as a date.
 */
export const startOfDay = (date: string): number | null => startOfDayAfter(date, 0);

/** Like `startOfDay`, for the following day. Use it for the exclusive end of a period that is given as a date. */
export const startOfNextDay = (date: string): number | null => startOfDayAfter(date, 1);

/**
 * Returns the last millisecond of a day. Use it for an expiry that is given as a date. It is derived from the next day,
 * because 23:59:59.999 occurs twice where clocks are set back at midnight.
 */
export function endOfDay(date: string): number | null {
  const nextDayMs = startOfNextDay(date);
  return nextDayMs === null ? null : nextDayMs - 1;
}
