import { negotiate } from '@fastify/accept-negotiator';

/**
 * The preferred of these content codings that a client accepts, or null. `header` is its `Accept-Encoding`. Content codings are case-insensitive, and `*` does not include those that the header names with `q=0`
 * (RFC 9110).
 */
export function negotiateCoding(header: string, codings: readonly string[]): string | null {
  const accepted = header.toLowerCase();
  const refused = new Set(accepted.split(',').map((part) => /^\s*([^\s;]+)\s*;\s*q=0(?:\.0*)?\s*$/.exec(part)?.[1]));
  return negotiate(
    accepted,
    codings.filter((coding) => !refused.has(coding)),
  );
}
