import { clientNetwork } from '../authorization/client-network.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { DAY } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { isKnownAddress } from '../store/people.ts';
import { type PeopleContext, sha256 } from './context.ts';

/** How long after a sign-in its address counts as known for the person. */
const KNOWN_ADDRESS_MS = 90 * DAY;
/** An ID that no person has, so that an unknown account causes the same reads as a known account. */
export const UNKNOWN_PERSON_ID = 'per_nobody';

function throwIfLimited(waitMs: number): void {
  if (waitMs <= 0) return;
  throw new Problem('rate_limited', 'Too many failed attempts. Wait before trying again.', {
    retryAfter: Math.ceil(waitMs / 1000),
  });
}

declare const brand: unique symbol;
/**
 * Key of the failure counter of the source of attempts on any account: a client's network or a signed-in person, for one
 * purpose.
 */
export type FailureSubject = string & { readonly [brand]: true };

/** Returns the failure subject of a client. All limits use it, so that they identify clients in the same way. */
export const clientSubject = (
  { address }: Pick<RequestOrigin, 'address'>,
  purpose: string | null = null,
): FailureSubject => {
  const network = clientNetwork(address ?? '');
  return (purpose === null ? network : `${purpose} ${network}`) as FailureSubject;
};

export const personSubject = (personId: string, purpose: string): FailureSubject =>
  `${purpose} ${personId}` as FailureSubject;

/** The account on which attempts are made, with the key of its failure counter. */
interface ThrottledAccount {
  readonly subject: string;
  /** Null for an unknown account. */
  readonly personId: string | null;
}

/** Returns the account for which all failed passwords, codes and passkeys of a person are counted. */
export const personAccount = (personId: string): ThrottledAccount => ({ subject: `sign_in ${personId}`, personId });

/**
 * Returns the account for which failures are counted if no person has the identifier, such as an email address.
 */
export const unknownAccount = (identifier: string): ThrottledAccount => ({
  subject: `sign_in ${sha256(identifier).toString('hex')}`,
  personId: null,
});

/**
 * `verify` checks a password, code or passkey, and `complete` then performs the action. Both return null on failure.
 */
interface Attempt<Verified, Result> {
  readonly verify: () => Promise<Verified | null>;
  readonly complete: (verified: Verified) => Promise<Result | null>;
}

/**
 * Verifies a password, code or passkey and then performs the action. Returns null on failure. Failures are counted
 * outside any transaction: per account and client, per account, and per client. The limits are exact for concurrent
 * attempts on all nodes: they are checked again after a successful verification, and an attempt beyond them does not
 * reveal whether it failed. Failures of other clients do not throttle an address from which the person has signed in
 * before. Throws `rate_limited`, before the verification if the limit is already known to be exceeded.
 */
export async function throttleAttempt<Verified, Result>(
  context: PeopleContext,
  account: ThrottledAccount,
  address: string,
  { verify, complete }: Attempt<Verified, Result>,
): Promise<Result | null> {
  const { clock, failures, store } = context;
  const { signIn, acrossAccounts, clientMutex } = failures;
  const client = clientSubject({ address });
  // The attempts of one client run one at a time, so that their password hashing leaves CPU time for other clients.
  return clientMutex.run(client, async () => {
    await checkFailureLimit(context, client);
    await signIn.refresh(account.subject, clock());
    const isKnown = await isKnownAddress(
      store.read,
      account.personId ?? UNKNOWN_PERSON_ID,
      client,
      clock() - KNOWN_ADDRESS_MS,
    );
    throwIfLimited(signIn.waitMs(account.subject, address, clock(), isKnown));

    const verified = await verify();
    if (verified !== null) {
      // Other nodes may have counted failures during the verification.
      await signIn.refresh(account.subject, clock());
      throwIfLimited(signIn.waitMs(account.subject, address, clock(), isKnown));
    }
    const result = verified === null ? null : await complete(verified);
    if (result !== null) return result;
    throwIfLimited(await signIn.recordFailure(account.subject, address, clock(), isKnown));
    throwIfLimited(await acrossAccounts.recordFailure(client, client, clock()));
    return null;
  });
}

/** Throws `rate_limited` if a subject, such as a client's network, has failed too often across all accounts. */
export async function checkFailureLimit(context: PeopleContext, subject: FailureSubject): Promise<void> {
  const { clock, failures } = context;
  await failures.acrossAccounts.refresh(subject, clock());
  throwIfLimited(failures.acrossAccounts.waitMs(subject, subject, clock()));
}

/**
 * Counts a failure for a subject. Throws `rate_limited` if the limit was already reached; the response must then not
 * reveal that the attempt failed.
 */
export async function recordFailure(context: PeopleContext, subject: FailureSubject): Promise<void> {
  throwIfLimited(await context.failures.acrossAccounts.recordFailure(subject, subject, context.clock()));
}
