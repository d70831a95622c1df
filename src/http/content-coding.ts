import { negotiate } from '@fastify/accept-negotiator';

/**
 * Returns the content coding that a client prefers, or null if it accepts none of `codings`. `header` is the value of
 * `Accept-Encoding`. Content codings are case-insensitive, and `*` does not include codings with `q=0` (RFC 9110,
 * section 12.5.3).
 */
export function negotiateCoding(header: string, codings: readonly string[]): string | null {
  const accepted = header.toLowerCase();
  const refused = new Set(accepted.split(',').map((part) => /^\s*([^\s;]+)\s*;\s*q=0(?:\.0*)?\s*$/.exec(part)?.[1]));
  return negotiate(
    accepted,
    codings.filter((coding) => !refused.has(coding)),
  );
}
