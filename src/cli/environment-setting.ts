/** Returns the value of an environment variable; undefined if it is unset or empty. */
export function environmentSetting(name: string): string | undefined {
  const text = process.env[name];
  return text === undefined || text === '' ? undefined : text;
}
