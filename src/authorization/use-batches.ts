import type { TakenUses } from './use-limits.ts';

/**
 * Takes up to `wanted` uses of a credential. Resolves to the uses taken, to `inactive` if the credential is inactive,
 * or to null if it was deleted.
 */
export type TakeStoredUses = (
  workspaceId: string,
  credentialId: string,
  wanted: number,
) => Promise<TakenUses | 'inactive' | null>;

/** The decision of the store on one use of a credential with a maximum number of uses. */
export interface UseReceipt {
  /** The uses taken together with this one; see `TakeStoredUses`. */
  readonly taken: TakenUses | 'inactive' | null;
  readonly accepted: boolean;
}

/** Takes one use. Rejects with the error of the store. */
export type TakeUse = (workspaceId: string, credentialId: string) => Promise<UseReceipt>;

type Waiter = PromiseWithResolvers<UseReceipt>;

/**
 * Takes the uses of several requests in one transaction: requests that arrive while a transaction for their credential
 * runs share the next one. The count is exact across all nodes, because the store decides. The transactions for a
 * credential run one at a time, however many requests there are.
 */
export function createUseTaker(take: TakeStoredUses): TakeUse {
  /** The requests that wait for the next transaction, by ID of a credential for which a transaction is running. */
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

  /** Runs transactions until no request of the credential is waiting. */
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
    const waiters = waiting.get(credentialId);
    if (waiters === undefined) void run(workspaceId, credentialId, waiter);
    else waiters.push(waiter);
    return waiter.promise;
  };
}
