import type { UseCounting } from '../../src/authorization/restricted-use.ts';

/** For credentials without a rate or a maximum number of uses. */
export const NO_LIMITED_USES: UseCounting = {
  takeUse: () => Promise.resolve({ taken: null, accepted: true }),
  rateLimiter: {
    take: () => {
      throw new Error('No credential has a rate.');
    },
  },
};
