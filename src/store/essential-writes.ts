import { AsyncLocalStorage } from 'node:async_hooks';

const essentialWrite = new AsyncLocalStorage<true>();

/**
 * Runs a write that ends access, or a write that it depends on. Such writes may use the reserved disk space when the
 * disk is full.
 */
export const runEssentialWrite = <T>(write: () => T): T => essentialWrite.run(true, write);

export const isEssentialWrite = (): boolean => essentialWrite.getStore() === true;
