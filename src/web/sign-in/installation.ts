/** Returns the content of a `meta` element that the server has added to the page. */
const readMeta = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=devpilot-${name}]`)?.content ?? '';

/** Returns the name of the single sign-on provider; null if single sign-on is not set up on this server. */
export const singleSignOnName = (): string | null => readMeta('single-sign-on') || null;

/** Returns whether passwords and passkeys are enabled. Otherwise single sign-on is the only way to sign in. */
export const arePasswordsOn = (): boolean => readMeta('passwords') !== 'off';
