import { Problem } from '../contract/problem.ts';
import { isUniqueViolation } from './store.ts';

const MAX_ATTEMPTS = 20;

class SlugTakenError extends Problem {
  constructor() {
    super('conflict', 'This slug is taken. Choose another.');
  }
}

/** Throws `conflict` where a write meets a slug that is taken. */
export async function throwOnTakenSlug<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new SlugTakenError();
  }
}

/**
 * Runs a transaction again when the slug it chose was taken by another one at the same moment. A slug
 * that was asked for is nobody's to change: `conflict`.
 */
export async function retryOnTakenSlug<T>(
  requested: { readonly slug?: string | undefined },
  run: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof SlugTakenError) || requested.slug !== undefined || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
