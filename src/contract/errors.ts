/** Schemas of the error tracker. Runs in browsers and on the server. */
import { z } from 'zod';
import { id, name, oneOf, wellFormedText } from './fields.ts';
import { instant, instantInput, nullableInstant } from './instant.ts';
import { ERROR_KEY_LIMITS, LIMITS, RESOURCE_LIMITS } from './limits.ts';
import { isOrigin, ORIGIN_MESSAGE } from './origin.ts';
import { pagingFields } from './paging.ts';
import { ERROR_LEVELS, ISSUE_SORTS, ISSUE_STATUSES } from './platform-vocabulary.ts';

const shortText = wellFormedText(RESOURCE_LIMITS.errorFieldLength).min(1);

export const ErrorReport = z
  .strictObject({
    type: wellFormedText(RESOURCE_LIMITS.errorType)
      .min(1)
      .meta({ examples: ['TypeError'] }),
    message: wellFormedText(RESOURCE_LIMITS.errorMessage).meta({ examples: ['order is undefined'] }),
    stack: wellFormedText(RESOURCE_LIMITS.errorStack).nullish(),
    level: oneOf(ERROR_LEVELS).nullish(),
    release: shortText.nullish().meta({ examples: ['shop@2.4.0'] }),
    environment: shortText.nullish().meta({ examples: ['production'] }),
    app: shortText.nullish().meta({ examples: ['shop'] }),
    fingerprint: z
      .array(shortText)
      .min(1)
      .max(RESOURCE_LIMITS.errorFingerprint)
      .nullish()
      .describe(
        'Errors with the same fingerprint are one issue. `{{ default }}` stands for the default fingerprint: the type and the stack frames or, if no frame identifies the error, the message',
      ),
    time: instantInput.nullish(),
  })
  .meta({ id: 'ErrorReport' });
export type ErrorReport = z.infer<typeof ErrorReport>;

const allowedOrigin = z
  .string()
  .max(255)
  .refine(isOrigin, ORIGIN_MESSAGE)
  .meta({ examples: ['https://shop.example.com'] });
export const CreateErrorKey = z
  .strictObject({
    name,
    app: z
      .string()
      .max(64)
      .nullish()
      .describe('ID or slug of the app to which all errors sent with the key are attributed, whichever app they name'),
    allowedOrigins: z
      .array(allowedOrigin)
      .max(ERROR_KEY_LIMITS.origins)
      .optional()
      .describe(
        'Origins of the pages that can use the key; if empty, all pages can. Programs other than browsers can always use it',
      ),
  })
  .meta({ id: 'CreateErrorKey' });
export type CreateErrorKey = z.infer<typeof CreateErrorKey>;
export const ErrorKey = z
  .object({
    id,
    name: z.string(),
    app: z.string().nullable(),
    allowedOrigins: z.array(z.string()),
    publicKey: z.string().describe('Safe to publish: it can only submit errors'),
    dsn: z.string().describe('The DSN for the configuration of a Sentry SDK'),
    createdAt: instant,
  })
  .meta({ id: 'ErrorKey' });
export type ErrorKey = z.infer<typeof ErrorKey>;

export const ErrorIngestResult = z.object({ issueId: id }).meta({ id: 'ErrorIngestResult' });
export type ErrorIngestResult = z.infer<typeof ErrorIngestResult>;

const dayCount = z.object({ day: z.iso.date(), count: z.int() });
export const ErrorIssue = z
  .object({
    id,
    title: z.string(),
    type: z.string(),
    status: z.enum(ISSUE_STATUSES),
    level: z.enum(ERROR_LEVELS),
    count: z.int().describe('Number of reported errors, including errors that are not stored'),
    firstSeenAt: instant,
    lastSeenAt: instant,
    release: z.string().nullable(),
    environment: z.string().nullable(),
    app: z.string().nullable(),
    resolvedInRelease: z
      .string()
      .nullable()
      .describe('The release that contains the fix; null if an error of any release reopens the issue'),
    days: z
      .array(dayCount)
      .describe('Errors per day (UTC) for the last 14 days, oldest first; days without errors are omitted'),
  })
  .meta({ id: 'ErrorIssue' });
export type ErrorIssue = z.infer<typeof ErrorIssue>;

const facet = z.object({ value: z.string(), count: z.int(), lastSeenAt: instant });
export const ErrorIssueDetail = ErrorIssue.extend({
  releases: z.array(facet),
  environments: z.array(facet),
  apps: z.array(facet),
}).meta({ id: 'ErrorIssueDetail' });
export type ErrorIssueDetail = z.infer<typeof ErrorIssueDetail>;

const location = z.object({
  function: z.string().nullable(),
  file: z.string().nullable(),
  line: z.int().nullable(),
  column: z.int().nullable(),
});
const frame = location.extend({
  module: z.string().nullable().describe('The class of a Java frame, or the module of a Python frame'),
  inApp: z.boolean(),
  context: z
    .object({ firstLine: z.int().describe('Number of the first line'), lines: z.array(z.string()) })
    .nullable()
    .describe('The source lines around `line`, if they were reported or a source map contains them'),
  generated: location.nullable().describe('The frame as it was reported, if a source map was applied'),
});
export type ErrorFrame = z.infer<typeof frame>;
const breadcrumb = z.object({
  at: nullableInstant,
  category: z.string().nullable(),
  level: z.string().nullable(),
  message: z.string().nullable(),
});
export type ErrorBreadcrumb = z.infer<typeof breadcrumb>;
export const ErrorEvent = z
  .object({
    id,
    time: instant,
    receivedAt: instant,
    level: z.enum(ERROR_LEVELS),
    message: z.string(),
    stack: z.string().max(RESOURCE_LIMITS.errorStack).nullable(),
    frames: z.array(frame).describe('Stack frames, innermost first'),
    breadcrumbs: z.array(breadcrumb).describe('Events before the error, oldest first'),
    tags: z.record(z.string().max(RESOURCE_LIMITS.errorFieldLength), z.string().max(RESOURCE_LIMITS.errorFieldLength)),
    release: z.string().nullable(),
    environment: z.string().nullable(),
    app: z.string().nullable(),
  })
  .meta({ id: 'ErrorEvent' });
export type ErrorEvent = z.infer<typeof ErrorEvent>;

const debugId = z
  .string()
  .min(32)
  .max(36)
  .describe('The debug ID of the minified file: a UUID')
  .meta({ examples: ['8f3c2a1b-0000-4000-8000-0000000000ab'] });
export const SourceMapUpload = z.strictObject({
  app: z.string().min(1).max(64).describe('ID or slug of the app'),
  debugId,
  file: shortText
    .describe('Path of the minified file, for display only')
    .meta({ examples: ['assets/index-BkXzaQcP.js'] }),
});
/** Documentation only, because the body is parsed in a worker thread. */
export const SourceMapContent = z
  .looseObject({
    version: z.literal(3),
    sources: z.array(z.string().max(4096).nullable()).max(100_000).optional(),
    mappings: z.string().max(RESOURCE_LIMITS.sourceMapUnpackedBytes).optional(),
  })
  .meta({ id: 'SourceMapContent', title: 'A source map (ECMA-426)' });
export const SourceMapQuery = z.strictObject({ ...pagingFields, app: z.string().min(1).max(64).optional() });
export const SourceMap = z
  .object({
    id,
    app: z.string(),
    debugId,
    file: z.string(),
    bytes: z.int().describe('Stored size, compressed'),
    createdAt: instant,
  })
  .meta({ id: 'SourceMap' });
export type SourceMap = z.infer<typeof SourceMap>;

export const IssueQuery = z.strictObject({
  ...pagingFields,
  q: z.string().max(LIMITS.query.max).optional().describe('Text in the title, case-insensitive'),
  status: oneOf(ISSUE_STATUSES).optional(),
  level: oneOf(ERROR_LEVELS).optional(),
  release: shortText.optional(),
  environment: shortText.optional(),
  app: shortText.optional(),
  sort: oneOf(ISSUE_SORTS).optional(),
});
export type IssueQuery = z.infer<typeof IssueQuery>;
export const UpdateIssue = z
  .strictObject({
    status: oneOf(ISSUE_STATUSES),
    release: shortText
      .nullish()
      .describe(
        'With the status `resolved`: the release that contains the fix. Errors of earlier releases do not reopen the issue',
      )
      .meta({ examples: ['shop@2.4.1'] }),
  })
  .meta({ id: 'UpdateIssue', examples: [{ status: 'resolved', release: 'shop@2.4.1' }] });
export type UpdateIssue = z.infer<typeof UpdateIssue>;
