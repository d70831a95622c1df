import { Problem } from '../contract/problem.ts';
import { isUniqueViolation } from './store.ts';

const MAX_ATTEMPTS = 20;

class SlugTakenError extends Problem {
  constructor() {
    super('conflict', 'This slug is taken. Choose another.');
  }
}

/** Throws `conflict` if `write` violates a unique constraint, which must be the constraint of a slug. */
export async function throwOnTakenSlug<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new SlugTakenError();
  }
}

/**
 * Runs a transaction, up to `MAX_ATTEMPTS` times if its generated slug was taken concurrently. Throws `conflict` after
 * the last attempt, and immediately if the request specified the slug.
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
