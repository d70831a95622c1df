/** Where to go after signing in: a place of our own, never an address that leads elsewhere. */
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
