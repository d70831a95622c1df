import { Problem } from '../contract/problem.ts';
import type { CredentialKind } from '../contract/words.ts';
import type { Judgement } from '../credentials/present.ts';
import type { Proof } from '../credentials/proof.ts';
import { type Demand, NEED_GUARD } from '../credentials/rights.ts';

const KIND_WORDS: Readonly<Record<CredentialKind, string>> = { access_token: 'an access token', api_key: 'an API key' };

/** Which kinds a demand takes, in words. */
function kindsTaken(demand: Demand, people: boolean): string {
  const kinds = [
    ...(people ? ['a signed-in person'] : []),
    ...(['access_token', 'api_key'] as const).filter((kind) => demand[kind] !== null).map((kind) => KIND_WORDS[kind]),
  ];
  return kinds.join(' or ');
}

/** The problem of a refused judgement; `people` tells whether a person could have asked. */
export function refusalOf(
  judgement: Judgement,
  demand: Demand,
  people: boolean,
  proof: Proof,
  address: string,
  now: number,
): Problem {
  const { verdict, record } = judgement;
  if (verdict === 'ok' || record === null) return new Problem('invalid_token', 'The credential is not valid.');
  if (verdict === 'rate_limited') {
    return new Problem('rate_limited', 'Too many wrong passphrases for this access token.', {
      retryAfter: proof.retryAfter(record, address, now),
    });
  }
  if (verdict === 'wrong_credential_kind') {
    return new Problem(verdict, `This takes ${kindsTaken(demand, people)}, not ${KIND_WORDS[record.kind]}.`);
  }
  if (verdict === 'insufficient_scope') {
    const need = demand[record.kind];
    const words = need?.words ?? [];
    const noun = record.kind === 'access_token' ? 'scope' : 'permission';
    if (words.every((word) => word === '')) {
      return new Problem(verdict, `The ${noun} asked for is blank, and no credential has it.`, { required: words });
    }
    if (need === NEED_GUARD) {
      const detail =
        'Guards need an API key with the permission read and the flag guard. An owner or admin can set both.';
      return new Problem(verdict, detail, { required: words });
    }
    const list = words.join(need?.how === 'any' ? ' or ' : ' and ');
    return new Problem(verdict, `The credential lacks the ${noun} ${list}.`, { required: words });
  }
  if (verdict === 'token_expired' && record.expiresAt !== null) {
    return new Problem(verdict, `The credential expired at ${new Date(record.expiresAt).toISOString()}.`);
  }
  return new Problem(verdict);
}
