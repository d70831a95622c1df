import { safeReturnPath as safeReturnPathFrom } from '../../contract/return-path.ts';

/** Returns the path to open after signing in. Never returns a URL of another origin (ASVS 3.7.2). */
export function safeReturnPath(from: string | undefined, origin: string = window.location.origin): string {
  return safeReturnPathFrom(from, origin);
}
