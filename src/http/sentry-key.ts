import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import { type Demand, wordsOf } from '../credentials/rights.ts';
import { digestOf, secretKindOf } from '../credentials/secret.ts';
import type { House } from './house.ts';
import { refuseCredentialInQuery } from './presentation.ts';
import { type Access, findPrincipal, originOf, type Principal } from './principal.ts';
import { refusalOf } from './verdicts.ts';

/** The keys that a request's query names, and the query without them. */
function keysInQuery(url: string): { keys: string[]; rest: string } {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const keys = query.getAll('sentry_key');
  query.delete('sentry_key');
  return { keys, rest: `?${query.toString()}` };
}

function keyInHeader(header: string | string[] | undefined): string[] {
  const text = typeof header === 'string' ? header.slice(0, 4096) : '';
  return [...text.matchAll(/(?:^|[\s,])sentry_key=([^\s,]+)/gi)].map((match) => match[1] ?? '');
}

/**
 * Finds who sends an envelope: the secret as the DSN's public key, in `X-Sentry-Auth` or, as SDKs do,
 * in the query. That is the one exception to the rule that no credential comes in a query (contract
 * section 5), for an access token whose only scope is `error_tracker` and which has no passphrase; any
 * other is refused with `invalid_request`. Without such a key it is found as everywhere else.
 */
export async function findSentryPrincipal(
  house: House,
  request: FastifyRequest,
  access: Access,
  demand: Demand,
): Promise<Principal> {
  const { keys, rest } = keysInQuery(request.raw.url ?? '');
  const headerKeys = keyInHeader(request.headers['x-sentry-auth']);
  const [secret, ...others] = new Set([...keys, ...headerKeys]);
  if (secret === undefined) return findPrincipal(house, request, access, demand);
  refuseCredentialInQuery(rest);
  const { authorization, cookie } = request.headers;
  const more = others.length > 0 || authorization !== undefined || request.headers['x-api-key'] !== undefined;
  if (more || (cookie ?? '').includes('devpilot')) {
    throw new Problem('invalid_request', 'The request carries more than one credential. Send exactly one.');
  }
  if (keys.length > 0 && secretKindOf(secret) !== null) {
    const known = await house.findRecord(digestOf(secret), request.ip);
    const narrow =
      known?.kind === 'access_token' &&
      known.passphraseHash === null &&
      wordsOf('access_token', known.rights).join() === 'error_tracker';
    if (known !== null && !narrow) {
      throw new Problem(
        'invalid_request',
        'In a query only an access token is taken whose one scope is error_tracker and which has no passphrase. Treat this one as leaked.',
      );
    }
  }
  const origin = originOf(request);
  const judgement = await house.judges.judgePresented({ secret, passphrase: null, ...origin }, demand);
  const { verdict, record } = judgement;
  if (verdict === 'ok' && record !== null) return { kind: record.kind, record };
  throw refusalOf(judgement, demand, false, house.proof, origin.address, house.clock());
}
