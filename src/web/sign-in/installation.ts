const readMeta = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=devpilot-${name}]`)?.content ?? '';

/** Returns the name of the single sign-on provider; null if single sign-on is not set up on this server. */
export const singleSignOnName = (): string | null => readMeta('single-sign-on') || null;

/** Returns whether passwords and passkeys are enabled; otherwise people sign in with single sign-on only. */
export const arePasswordsOn = (): boolean => readMeta('passwords') !== 'off';
