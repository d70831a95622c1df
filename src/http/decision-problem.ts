import type { AuthenticationResult } from '../authorization/authenticate.ts';
import type { PassphraseVerifier } from '../authorization/passphrase-verifier.ts';
import { GUARD_REQUIREMENT, type Requirement } from '../authorization/rights.ts';
import { Problem } from '../contract/problem.ts';
import { formatSeconds } from '../contract/seconds.ts';
import { type CredentialKind, HEADERS } from '../contract/vocabulary.ts';
import { secondsToWait } from './rate-limit-headers.ts';

const KIND_LABELS: Readonly<Record<CredentialKind, string>> = {
  access_token: 'an access token',
  api_key: 'an API key',
};

/** Lists the kinds of principals that a route accepts, as text. */
export function describeAcceptedKinds(requirement: Requirement, acceptsPeople: boolean): string {
  const kinds = [
    ...(acceptsPeople ? ['a signed-in person'] : []),
    ...(['access_token', 'api_key'] as const)
      .filter((kind) => requirement[kind] !== null)
      .map((kind) => KIND_LABELS[kind]),
  ];
  return kinds.join(' or ');
}

interface DecisionDetails {
  /** The address of the client. */
  readonly address: string;
  readonly now: number;
  readonly passphraseVerifier: PassphraseVerifier;
  /** Whether the route also accepts people. */
  readonly acceptsPeople?: boolean;
}

/** Returns the problem for a negative decision. */
export function problemOfDecision(
  { decision, record, rate }: AuthenticationResult,
  requirement: Requirement,
  { address, now, passphraseVerifier, acceptsPeople = false }: DecisionDetails,
): Problem {
  if (decision === 'ok' || record === null) return new Problem('invalid_token', 'The credential is not valid.');
  if (decision === 'rate_limited') {
    return new Problem('rate_limited', 'Too many wrong passphrases for this access token. Try again later.', {
      retryAfter: passphraseVerifier.retryAfterSeconds(record, address, now),
    });
  }
  if (decision === 'wrong_credential_kind') {
    return new Problem(
      decision,
      `This route requires ${describeAcceptedKinds(requirement, acceptsPeople)}, not ${KIND_LABELS[record.kind]}.`,
    );
  }
  if (decision === 'insufficient_scope') {
    const requirementOfKind = requirement[record.kind];
    const rights = requirementOfKind?.rights ?? [];
    const noun = record.kind === 'access_token' ? 'scope' : 'permission';
    if (rights.every((right) => right === '')) {
      return new Problem(decision, `The requested ${noun} is empty. Name at least one ${noun}.`, { required: rights });
    }
    if (requirementOfKind === GUARD_REQUIREMENT) {
      const detail =
        'A guard needs an API key with the permission read and the flag guard. An owner or admin can set both.';
      return new Problem(decision, detail, { required: rights });
    }
    const detail =
      requirementOfKind?.match === 'any' || rights.length === 1
        ? `The credential needs the ${noun} ${rights.join(' or ')}.`
        : `The credential needs the ${noun}s ${rights.join(' and ')}.`;
    return new Problem(decision, detail, { required: rights });
  }
  if (decision === 'token_expired' && record.expiresAt !== null) {
    return new Problem(decision, `The credential expired at ${new Date(record.expiresAt).toISOString()}.`);
  }
  if (decision === 'rate_exceeded') {
    if (rate === null || rate === undefined) return new Problem('rate_limited');
    const { requests, seconds } = rate;
    return new Problem(
      'rate_limited',
      `Too many requests: the rate limit of the credential is ${requests} per ${formatSeconds(seconds)}.`,
      {
        rate,
        retryAfter: secondsToWait(rate),
      },
    );
  }
  if (decision === 'other_workspace') {
    return new Problem(
      'forbidden',
      `The credential does not belong to the workspace in the header ${HEADERS.workspace}.`,
    );
  }
  if (decision === 'resource_not_allowed') {
    return new Problem('forbidden', 'The credential has no access to this project or app.');
  }
  if (decision === 'address_not_allowed') {
    return new Problem(decision, `The credential cannot be used from the address ${address}.`);
  }
  return new Problem(decision);
}
