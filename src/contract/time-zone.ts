/** Returns whether a text is the name of a time zone in the IANA database, such as Europe/Berlin or UTC. Pure. */
export function isTimeZone(text: string): boolean {
  // `Intl` also accepts an offset such as +02:00, but an offset has no daylight saving time.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
