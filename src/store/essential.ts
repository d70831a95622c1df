import { AsyncLocalStorage } from 'node:async_hooks';

const essential = new AsyncLocalStorage<true>();

/** Runs work that ends somebody's access, or is needed to: it may use the room that is kept for a full disk. */
export const runEssential = <T>(work: () => T): T => essential.run(true, work);

export const isEssential = (): boolean => essential.getStore() === true;
