import { safeReturnPath as safeReturnPathOf } from '../../contract/return-path.ts';

/**
 * Returns the path to open after signing in: `from`, or `/` if `from` is the sign-in page or not a page of this
 * origin (ASVS 3.7.2). `origin` is the page's origin by default.
 */
export function safeReturnPath(from: string | undefined, origin: string = window.location.origin): string {
  return safeReturnPathOf(from, origin);
}
