import type { Origin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import { DAY } from '../contract/words.ts';
import { clientNetwork } from '../credentials/client-network.ts';
import { isKnownAddress } from '../store/people.ts';
import type { PeopleContext } from './context.ts';

/** How long an address counts as known to be a person's after they last signed in from it. */
const KNOWN_FOR = 90 * DAY;
/** Who is never there, so that an unknown account costs the same reads as a known one. */
const NOBODY = 'per_nobody';

function refuse(wait: number): void {
  if (wait <= 0) return;
  throw new Problem('rate_limited', 'Too many failed tries. Wait before the next one.', {
    retryAfter: Math.ceil(wait / 1000),
  });
}

declare const counted: unique symbol;
/** What failures are counted against over all accounts: the network of a client, or a person, for one purpose. */
export type FailureSubject = string & { readonly [counted]: true };

/** The only way from an address to a subject, so that every limit means the same by a client. */
export const clientSubject = ({ address }: Pick<Origin, 'address'>, purpose: string | null = null): FailureSubject =>
  `${purpose === null ? '' : `${purpose} `}${clientNetwork(address ?? '')}` as FailureSubject;
export const personSubject = (personId: string, purpose: string): FailureSubject =>
  `${purpose} ${personId}` as FailureSubject;

/** Whom failures are counted against, and from where. */
interface Account {
  readonly subject: string;
  readonly personId: string | null;
}

/** What is tried: the proof, and what it opens. Null from either is a failure. */
interface Try<Proven, Done> {
  readonly prove: () => Promise<Proven | null>;
  readonly act: (proven: Proven) => Promise<Done | null>;
}

/**
 * Tries a password or code. A failure is counted against the account at this client, the account and
 * the client, outside of any transaction, and null is returned. The limits hold to the number however
 * many try at once, on whichever nodes: what was proven opens something only if they still allow it
 * then, and who fails when they don't is not told so.
 * An address from which the person has signed in before is not held up by strangers' failures.
 * Throws `rate_limited`; without a proof, if that can be known before.
 */
export async function throttled<Proven, Done>(
  context: PeopleContext,
  account: Account,
  address: string,
  { prove, act }: Try<Proven, Done>,
): Promise<Done | null> {
  const { clock, failures, store } = context;
  const { signIn, stranger, turns } = failures;
  const client = clientSubject({ address });
  // One client's tries wait for each other and for nobody else's, so that its hashes leave room for others'.
  return turns.run(client, async () => {
    await throttleStranger(context, client);
    await signIn.refresh(account.subject, clock());
    const known = await isKnownAddress(store.read, account.personId ?? NOBODY, client, clock() - KNOWN_FOR);
    refuse(signIn.wait(account.subject, address, clock(), known));

    const proven = await prove();
    if (proven !== null) {
      // Other nodes may have counted failures meanwhile.
      await signIn.refresh(account.subject, clock());
      refuse(signIn.wait(account.subject, address, clock(), known));
    }
    const done = proven === null ? null : await act(proven);
    if (done !== null) return done;
    refuse(await signIn.add(account.subject, address, clock(), known));
    refuse(await stranger.add(client, client, clock()));
    return null;
  });
}

/** Throws `rate_limited` when a subject, such as a client's network, has failed too often over all accounts. */
export async function throttleStranger(context: PeopleContext, subject: FailureSubject): Promise<void> {
  const { clock, failures } = context;
  await failures.stranger.refresh(subject, clock());
  refuse(failures.stranger.wait(subject, subject, clock()));
}

/** Counts a failure against a subject. Throws `rate_limited`, and then nobody may be told that it was one. */
export async function countStranger(context: PeopleContext, subject: FailureSubject): Promise<void> {
  refuse(await context.failures.stranger.add(subject, subject, context.clock()));
}
