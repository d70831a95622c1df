import type { IncomingMessage } from 'node:http';
import { secretKindOf } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';

const KIND_LABELS = { access_token: 'an access token', api_key: 'an API key', session: 'a session' } as const;
const MAX_HEADER_NAME_LENGTH = 64;

/** Removes the scheme and the quotation marks that some clients add to a secret in a header. */
function bareValue(value: string): string {
  return value
    .trim()
    .replace(/^[A-Za-z]+[ :=]+/, '')
    .replace(/^"([^"]*)"$/, '$1');
}

/** Describes a well-formed secret in a header where it is not accepted. Returns null if there is none. */
function findMisplacedSecret({ rawHeaders }: IncomingMessage): string | null {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').slice(0, MAX_HEADER_NAME_LENGTH);
    const value = rawHeaders[index + 1] ?? '';
    const lowerName = name.toLowerCase();
    if (lowerName === 'authorization' && /^(?:bearer|basic) +[^ "]*$/i.test(value)) continue;
    const values =
      lowerName === 'cookie' ? value.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1)) : [bareValue(value)];
    for (const candidate of values) {
      const kind = secretKindOf(candidate.trim());
      if (kind === null || (kind === 'session' && lowerName === 'cookie')) continue;
      if (kind === 'api_key' && lowerName === 'x-api-key') continue;
      return `The header ${name} contains ${KIND_LABELS[kind]}, which is not accepted there in this form.`;
    }
  }
  return null;
}

/**
 * Returns `problem`. If the credential is missing or invalid, but a header contains a well-formed secret that is not
 * accepted there, the detail names that header, the kind of the secret, and the header to use instead.
 */
export function withMisplacedSecretHint(problem: Problem, request: IncomingMessage): Problem {
  if (problem.code !== 'missing_credential' && problem.code !== 'invalid_token') return problem;
  const misplacement = findMisplacedSecret(request);
  if (misplacement === null) return problem;
  return new Problem(problem.code, `${misplacement} Send it as Authorization: Bearer <secret>.`, problem.extensions);
}
