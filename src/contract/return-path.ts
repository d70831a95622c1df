/** Characters that browsers ignore in URLs or, like the backslash, read as another character. */
const UNSAFE = /[\u0000-\u0020\u007f\\]/;

/**
 * Returns the path of the page in this web UI to which a person returns after signing in, or `/`. Never returns the
 * sign-in page, a path of the API, or a URL that leads to another origin, even after a browser has normalized it
 * (ASVS 3.7.2). Pure.
 */
export function safeReturnPath(from: string | undefined, origin: string): string {
  if (from === undefined || !from.startsWith('/') || UNSAFE.test(from) || !URL.canParse(from, origin)) return '/';
  const { origin: target, pathname, search, hash } = new URL(from, origin);
  // The path of `/..//host` is `//host`, which is another origin.
  const isOwnPage = target === origin && !pathname.startsWith('//') && !/^\/(?:sign-in$|v1\/|api\/)/.test(pathname);
  return isOwnPage ? `${pathname}${search}${hash}` : '/';
}
