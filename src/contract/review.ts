import { z } from 'zod';
import { AccessToken } from './access-tokens.ts';
import { ApiKey } from './api-keys.ts';
import { description, id, oneOf, searchText } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { LIMITS, REVIEW_DAYS, REVIEW_LIMITS } from './limits.ts';
import { countedPageOf, pagingFields } from './paging.ts';
import { PERMISSIONS, REVIEW_DECISIONS, REVIEW_REASONS, type ReviewReason, SCOPES } from './vocabulary.ts';

/** Converts a stored bit mask to the reasons for a review. Pure. */
export const reviewReasonsOf = (bits: number): ReviewReason[] =>
  REVIEW_REASONS.filter((_, position) => (bits & (1 << position)) !== 0);

const REASON_DESCRIPTIONS: Readonly<Record<ReviewReason, string>> = {
  unused: 'it was used, but not within the `unusedAfterDays` of the policy',
  never_used: `it was created more than ${REVIEW_DAYS.neverUsedAfter} days ago and never used`,
  never_expires: 'it has no expiry',
  holds_all: 'it has the scope `all`',
  broader_than_used: `it used only some of its scopes or permissions in the last ${REVIEW_DAYS.usedWithin} days`,
  no_passphrase: 'it is an access token without a passphrase',
  creator_left: 'its creator is no longer a member of the workspace',
  violates_policy: 'it violates the policy',
  expiring: `it expires within ${REVIEW_DAYS.expiresWithin} days`,
  expired: 'it has expired, so no other reason applies',
};
const describedReasons = REVIEW_REASONS.map((reason) => `\`${reason}\`: ${REASON_DESCRIPTIONS[reason]}`).join('; ');

const KeepDecision = z.object({
  reviewedAt: instant,
  reviewedBy: z.object({ id: id.nullable(), name: z.string().nullable() }),
  until: instant.describe('Time until which the credential is left out of the review, unless a new reason arises'),
  note: z.string().nullable(),
});

export const ReviewItem = z
  .object({
    credential: z.discriminatedUnion('kind', [AccessToken, ApiKey]),
    reasons: z.array(z.enum(REVIEW_REASONS)).describe(`Why it should be reviewed. ${describedReasons}`),
    risk: z.int().min(0).describe('The sum of the weights of its reasons'),
    usedRights: z
      .array(z.enum([...SCOPES, ...PERMISSIONS]))
      .nullable()
      .describe('With the reason `broader_than_used`, the scopes or permissions that it used; otherwise null'),
    kept: KeepDecision.nullable().describe(
      'The last decision to keep the credential; null if there is none or it has expired',
    ),
  })
  .meta({ id: 'ReviewItem' });
export type ReviewItem = z.infer<typeof ReviewItem>;

const countPerReason = Object.fromEntries(REVIEW_REASONS.map((reason) => [reason, z.int().min(0)])) as Record<
  ReviewReason,
  z.ZodInt
>;
export const Review = countedPageOf(ReviewItem)
  .extend({
    counts: z
      .object(countPerReason)
      .describe('Number of credentials per reason, on all pages and regardless of the filter `reason`'),
    lastReviewAt: nullableInstant.describe('When the last decision was recorded; null if there is none'),
    lastReviewedBy: z.string().nullable().describe('Name of the person who recorded the last decision'),
  })
  .meta({ id: 'Review', title: 'Credentials to review, highest risk first' });
export type Review = z.infer<typeof Review>;

export const ReviewQuery = z.strictObject({
  ...pagingFields,
  reason: oneOf(REVIEW_REASONS).optional().describe('Only credentials with this reason'),
  createdBy: searchText(64).optional().describe('ID of the person who created it'),
  includeKept: oneOf(['true', 'false'])
    .optional()
    .describe('Whether to include credentials with a decision to keep them; false by default'),
});
export type ReviewQuery = z.infer<typeof ReviewQuery>;

export const ReviewDecision = z
  .strictObject({
    decision: oneOf(REVIEW_DECISIONS).describe(
      `\`keep\` leaves the credential out of the review for ${REVIEW_DAYS.kept} days, unless a new reason arises`,
    ),
    note: description
      .refine(
        (text) => text === null || text.length <= REVIEW_LIMITS.note,
        `must be at most ${REVIEW_LIMITS.note} characters`,
      )
      .optional()
      .meta({ maxLength: REVIEW_LIMITS.note, examples: ['Used by the yearly report'] }),
  })
  .meta({ id: 'ReviewDecision' });
export type ReviewDecision = z.infer<typeof ReviewDecision>;

export const ReviewParams = z.object({ credential: z.string().max(LIMITS.query.max) });
