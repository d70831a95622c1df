import type { TakenUses } from './use-limits.ts';

/**
 * Takes up to `wanted` uses of a credential. Resolves to the uses taken, to `inactive` if the credential is inactive by
 * now, or to null if it was deleted.
 */
export type TakeStoredUses = (
  workspaceId: string,
  credentialId: string,
  wanted: number,
) => Promise<TakenUses | 'inactive' | null>;

/** The decision of the store on one use of a credential with a rate or a maximum number of uses. */
export interface UseReceipt {
  readonly taken: TakenUses | 'inactive' | null;
  readonly accepted: boolean;
}

/** Takes one use. Rejects with the error of the store. */
export type TakeUse = (workspaceId: string, credentialId: string) => Promise<UseReceipt>;

type Waiter = PromiseWithResolvers<UseReceipt>;

/**
 * Takes the uses of several requests in one transaction: requests that arrive while a transaction of their credential
 * runs share the next one. Exact across all nodes, because the store decides, and the number of transactions does not
 * grow with the number of requests.
 */
export function createUseTaker(take: TakeStoredUses): TakeUse {
  /** The requests that wait for the next transaction, per credential whose transaction runs. */
  const waiting = new Map<string, Waiter[]>();

  async function takeTogether(workspaceId: string, credentialId: string, waiters: readonly Waiter[]): Promise<void> {
    try {
      const taken = await take(workspaceId, credentialId, waiters.length);
      const granted = taken === null || taken === 'inactive' ? 0 : taken.granted;
      for (const [index, waiter] of waiters.entries()) waiter.resolve({ taken, accepted: index < granted });
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
    }
  }

  async function run(workspaceId: string, credentialId: string, first: Waiter): Promise<void> {
    for (let waiters = [first]; waiters.length > 0; ) {
      waiting.set(credentialId, []);
      await takeTogether(workspaceId, credentialId, waiters);
      waiters = waiting.get(credentialId) ?? [];
    }
    waiting.delete(credentialId);
  }

  return (workspaceId, credentialId) => {
    const waiter = Promise.withResolvers<UseReceipt>();
    const next = waiting.get(credentialId);
    if (next === undefined) void run(workspaceId, credentialId, waiter);
    else next.push(waiter);
    return waiter.promise;
  };
}
