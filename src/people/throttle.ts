import { Problem } from '../contract/problem.ts';
import { DAY } from '../contract/words.ts';
import { createQueue, type Queue } from '../credentials/queue.ts';
import { isKnownAddress } from '../store/people.ts';
import type { PeopleContext } from './context.ts';

/** How long an address counts as known to be a person's after they last signed in from it. */
const KNOWN_FOR = 90 * DAY;
const WAITING = 16;
/** Who is never there, so that an unknown account costs the same reads as a known one. */
const NOBODY = 'per_nobody';

const lines = new Map<string, Queue>();

/** Runs works of one key one after the other. Throws `unavailable` when too many wait. */
async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const line = lines.get(key) ?? createQueue(1, WAITING);
  lines.set(key, line);
  try {
    return await line.run(work);
  } finally {
    if (line.size() === 0) lines.delete(key);
  }
}

function refuse(wait: number): void {
  if (wait <= 0) return;
  throw new Problem('rate_limited', 'Too many failed tries. Wait before the next one.', {
    retryAfter: Math.ceil(wait / 1000),
  });
}

/**
 * Tries a password or code: `attempt` resolves to null when it failed, which is then counted against
 * the account at this address, the account and the address, outside of any transaction. Tries of one
 * account from one address run one after the other, so that the limit holds in parallel too.
 * An address from which the person has signed in before is not held up by strangers' failures.
 * Throws `rate_limited`, without calling `attempt`.
 */
export async function throttled<T>(
  context: PeopleContext,
  account: { readonly subject: string; readonly personId: string | null },
  address: string,
  attempt: () => Promise<T | null>,
): Promise<T | null> {
  const { clock, failures, store } = context;
  return inTurn(`${account.subject} ${address}`, async () => {
    await throttleStranger(context, address);
    await failures.signIn.refresh(account.subject, clock());
    const known = await isKnownAddress(store.read, account.personId ?? NOBODY, address, clock() - KNOWN_FOR);
    refuse(failures.signIn.wait(account.subject, address, clock(), known));
    const result = await attempt();
    if (result === null) {
      await failures.signIn.add(account.subject, address, clock());
      await failures.stranger.add(address, address, clock());
    }
    return result;
  });
}

/** Throws `rate_limited` when an address has failed too often over all accounts. */
export async function throttleStranger(context: PeopleContext, address: string): Promise<void> {
  const { clock, failures } = context;
  await failures.stranger.refresh(address, clock());
  refuse(failures.stranger.wait(address, address, clock()));
}
