import { Problem } from '../contract/problem.ts';
import { isUniqueViolation } from './store.ts';

const ROUNDS = 20;

class SlugTaken extends Problem {
  constructor() {
    super('conflict', 'This slug is taken. Choose another.');
  }
}

/** Throws `conflict` where a write meets a slug that is taken. */
export async function refuseTakenSlug<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new SlugTaken();
  }
}

/**
 * Runs a transaction again when the slug it chose was taken by another one at the same moment. A slug
 * that was asked for is nobody's to change: `conflict`.
 */
export async function untilSlugIsFree<T>(
  wanted: { readonly slug?: string | undefined },
  run: () => Promise<T>,
): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof SlugTaken) || wanted.slug !== undefined || round === ROUNDS) throw error;
    }
  }
}
