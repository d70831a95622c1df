/** Returns the path to open after signing in. Never returns a URL of another origin (ASVS 3.7.2). */
export function safeReturnPath(from: string | undefined, origin: string = window.location.origin): string {
  if (from === undefined || !from.startsWith('/')) return '/';
  try {
    const url = new URL(from, origin);
    if (url.origin !== origin || url.pathname === '/sign-in') return '/';
    return `${url.pathname}${url.search}${url.hash}`;
  } catch {
    return '/';
  }
}
