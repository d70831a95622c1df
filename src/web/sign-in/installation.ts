const contentOf = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name=devpilot-${name}]`)?.content ?? '';

/** The name of the provider of single sign-on; null if it is not set up on this server. */
export const singleSignOnName = (): string | null => contentOf('single-sign-on') || null;

/** Whether people sign in with passwords and passkeys, and not with single sign-on only. */
export const arePasswordsOn = (): boolean => contentOf('passwords') !== 'off';
