/** Returns the content of a `meta` element that Devpilot has added to the page; empty if there is none. */
const readMeta = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=devpilot-${name}]`)?.content ?? '';

/** Returns the name of the single sign-on provider; null if single sign-on is not set up. */
export const singleSignOnName = (): string | null => readMeta('single-sign-on') || null;

/**
 * Returns whether passwords and passkeys are enabled. Otherwise people sign in with single sign-on or a link from an
 * operator.
 */
export const arePasswordsOn = (): boolean => readMeta('passwords') !== 'off';
