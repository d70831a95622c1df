/** Schemas of the activity tracker; those of the activity log are in `audit.ts`. Runs in browsers and on the server. */
import { z } from 'zod';
import { oneOf } from './fields.ts';
import { instant } from './instant.ts';
import { RESOURCE_LIMITS } from './limits.ts';
import { instantFilter, pagingFields } from './paging.ts';
import { ACTIVITY_GROUPS, INTERVAL_NAMES } from './platform-vocabulary.ts';

const shortText = z.string().min(1).max(RESOURCE_LIMITS.activityFieldLength);

export const ActivityEvent = z
  .object({
    id: z.string().describe("The sender's event ID; events with the same source and ID are stored once"),
    source: z.string(),
    type: z.string(),
    subject: z.string().nullable(),
    time: instant,
    data: z.unknown(),
    dataEncoding: z
      .enum(['json', 'base64'])
      .describe('`json`: `data` is a JSON value. `base64`: `data` is binary data encoded in base64'),
    attributes: z
      .record(
        z.string().max(RESOURCE_LIMITS.activityAttributeName),
        z.union([z.string().max(RESOURCE_LIMITS.activityFieldLength), z.int(), z.boolean()]),
      )
      .describe('Other CloudEvents attributes by name: `datacontenttype`, `dataschema` and extension attributes'),
    receivedAt: instant,
  })
  .meta({ id: 'ActivityEvent' });
export type ActivityEvent = z.infer<typeof ActivityEvent>;

/**
 * Documentation only: the handler parses requests itself, because the content modes of CloudEvents differ in their
 * media types, not in their fields.
 */
export const CloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: shortText.meta({ examples: ['a234-1234-1234'] }),
    source: shortText.meta({ examples: ['/shop/checkout'] }),
    type: shortText.meta({ examples: ['order.placed'] }),
    subject: shortText.optional().meta({ examples: ['customer-17'] }),
    time: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ examples: ['2027-02-24T09:00:00.000Z'] }),
    datacontenttype: z
      .string()
      .max(255)
      .optional()
      .meta({ examples: ['application/json'] }),
    dataschema: shortText.optional().meta({ examples: ['https://shop.example.com/schemas/order'] }),
    data: z
      .unknown()
      .optional()
      .meta({ examples: [{ total: 42 }] }),
    data_base64: z
      .base64()
      .max(4 * Math.ceil(RESOURCE_LIMITS.activityDataBytes / 3))
      .optional()
      .describe(
        'Binary data in base64, instead of `data`. At most 64 KiB of base64 text or, if `datacontenttype` is a JSON type, of decoded JSON',
      ),
  })
  .meta({
    id: 'CloudEvent',
    title: 'A CloudEvents 1.0 event, with its extension attributes. In batched mode, an array of up to 1,000 events',
  });

export const ActivityIngestResult = z
  .object({
    accepted: z.int().describe('Number of new events'),
    duplicates: z
      .int()
      .describe('Number of events with the source and ID of a stored event or of an earlier event in the request'),
  })
  .meta({ id: 'ActivityIngestResult' });
export type ActivityIngestResult = z.infer<typeof ActivityIngestResult>;

export const ActivityQuery = z.strictObject({
  ...pagingFields,
  type: shortText.optional(),
  source: shortText.optional(),
  subject: shortText.optional(),
  from: instantFilter.describe('At or after this time'),
  to: instantFilter.describe('Before this time'),
});
export type ActivityQuery = z.infer<typeof ActivityQuery>;

export const AnalyticsQuery = z.strictObject({
  interval: oneOf(INTERVAL_NAMES).optional().describe('Length of an interval; defaults to `day`'),
  groupBy: oneOf(ACTIVITY_GROUPS)
    .optional()
    .describe('Field whose values are the keys of the series; defaults to `type`'),
  from: instantFilter.describe(
    'Start, rounded down to the interval; defaults to 60 minutes, 48 hours or 30 days before the end, depending on the interval',
  ),
  to: instantFilter.describe(
    'End (exclusive), rounded up to the interval; defaults to the end of the current interval',
  ),
});
export type AnalyticsQuery = z.infer<typeof AnalyticsQuery>;

export const Analytics = z
  .object({
    interval: z.enum(INTERVAL_NAMES),
    total: z.int(),
    series: z
      .array(
        z.object({
          key: z
            .string()
            .nullable()
            .describe('Value of the field that `groupBy` names; null for events without a subject'),
          points: z
            .array(
              z.object({
                at: instant,
                count: z.int(),
                subjects: z
                  .int()
                  .describe('Unique subjects: exact up to 256, otherwise an estimate with a standard error of 1.6%'),
              }),
            )
            .describe('Oldest first; intervals without events are omitted'),
        }),
      )
      .describe('The series with the most events (at most 100)'),
  })
  .meta({ id: 'Analytics' });
export type Analytics = z.infer<typeof Analytics>;
