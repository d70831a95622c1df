/** Browsers ignore some control characters in URLs, and read a backslash as a slash. */
const UNSAFE = /[\u0000-\u0020\u007f\\]/;

/**
 * Returns the path of this server's own page that a person returns to after signing in, or `/`. Never returns a URL of
 * another origin, also not after a browser has normalized it (ASVS 3.7.2), and no path of the API. Pure.
 */
export function safeReturnPath(from: string | undefined, origin: string): string {
  if (from === undefined || !from.startsWith('/') || UNSAFE.test(from) || !URL.canParse(from, origin)) return '/';
  const { origin: target, pathname, search, hash } = new URL(from, origin);
  // The path of `/..//host` is `//host`, which is another origin.
  const isOwnPage = target === origin && !pathname.startsWith('//') && !/^\/(?:sign-in$|v1\/|api\/)/.test(pathname);
  return isOwnPage ? `${pathname}${search}${hash}` : '/';
}
