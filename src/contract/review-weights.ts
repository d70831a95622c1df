import type { ReviewReason } from './vocabulary.ts';

/** The weight that each reason adds to the risk of a credential. The review is sorted by risk. */
export const REVIEW_WEIGHTS: Readonly<Record<ReviewReason, number>> = {
  creator_left: 50,
  violates_policy: 40,
  holds_all: 30,
  unused: 25,
  broader_than_used: 20,
  never_expires: 15,
  never_used: 15,
  expiring: 10,
  no_passphrase: 5,
  expired: 1,
};
