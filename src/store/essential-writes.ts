import { AsyncLocalStorage } from 'node:async_hooks';

const essentialWrite = new AsyncLocalStorage<true>();

/**
 * Runs a write that must succeed even on a full disk, such as one that ends access. It may use the reserved disk space.
 */
export const runEssentialWrite = <T>(write: () => T): T => essentialWrite.run(true, write);

export const isEssentialWrite = (): boolean => essentialWrite.getStore() === true;
