/** Returns whether a month (1 to 12) of a year has this day, in the Gregorian calendar. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/**
 * Returns the last millisecond of a day such as `2027-02-24` in the local time zone, in epoch milliseconds; null if
 * there is no such day. An expiry that is given as a date means this time, in the page and in the CLI.
 */
export function endOfDay(date: string): number | null {
  const [year = 0, month = 0, day = 0] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []).slice(1).map(Number);
  if (!isCalendarDay(year, month, day)) return null;
  const nextDay = new Date(2000, 0, 1);
  // The start of the next day, because where the clocks are set back at midnight, 23:59:59.999 occurs twice.
  nextDay.setFullYear(year, month - 1, day + 1);
  return nextDay.getTime() - 1;
}
