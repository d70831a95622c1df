import type { UseCounting } from '../../src/authorization/restricted-use.ts';

/** Use counting for benchmarks whose credentials have no rate and no maximum number of uses. */
export const NO_LIMITED_USES: UseCounting = {
  takeUse: () => Promise.resolve({ taken: null, accepted: true }),
  rateLimiter: {
    take: () => {
      throw new Error('No credential has a rate.');
    },
  },
};
