import { AsyncLocalStorage } from 'node:async_hooks';

const essentialWrite = new AsyncLocalStorage<true>();

/** Runs work that ends somebody's access, or is needed to: it may use the room that is kept for a full disk. */
export const runEssentialWrite = <T>(write: () => T): T => essentialWrite.run(true, write);

export const isEssentialWrite = (): boolean => essentialWrite.getStore() === true;
