import { z } from 'zod';
import { NOTICE_KINDS, NOTICE_STATUSES } from './event-names.ts';
import { auditParty, id, oneOf, personRef } from './fields.ts';
import { instant, instantInput, nullableInstant } from './instant.ts';
import { countedPageOf, pagingFields } from './paging.ts';
import { CREDENTIAL_KINDS } from './vocabulary.ts';

const NoticeCredential = z.object({
  id,
  kind: z.enum(CREDENTIAL_KINDS),
  name: z.string(),
  createdBy: personRef.nullable().describe('Null if the account was deleted'),
  expiresAt: nullableInstant,
  lastUsedAt: nullableInstant,
  useCount: z.int(),
  addresses: z
    .array(z.object({ address: z.string(), lastSeenAt: instant }))
    .describe('Addresses that used it last, newest first'),
  deletedAt: nullableInstant.describe('When it was deleted; null while it exists'),
});
export type NoticeCredential = z.infer<typeof NoticeCredential>;

export const Notice = z
  .object({
    id,
    kind: z.enum(NOTICE_KINDS),
    status: z.enum(NOTICE_STATUSES),
    urgent: z.boolean().describe('Whether it is emailed immediately by default'),
    title: z.string(),
    subject: auditParty.describe('The credential, app, script, issue or webhook that the notice is about'),
    credential: NoticeCredential.nullable().describe('The credential that the notice is about, if it is about one'),
    detail: z
      .record(z.string(), z.unknown())
      .describe('Depends on the kind, for example `days` and `expiresAt` of an expiring credential'),
    action: z
      .object({ text: z.string(), path: z.string().describe('Path in the web UI') })
      .describe('The recommended next step'),
    createdAt: instant,
    dismissedAt: nullableInstant.describe('When it was last dismissed or snoozed'),
    dismissedBy: z.object({ id: z.string().nullable(), name: z.string().nullable() }).nullable(),
    snoozedUntil: nullableInstant,
  })
  .meta({ id: 'Notice' });
export type Notice = z.infer<typeof Notice>;

export const NoticePage = countedPageOf(Notice);

export const NoticeQuery = z.strictObject({
  ...pagingFields,
  status: oneOf(NOTICE_STATUSES).optional().describe('Defaults to all statuses'),
  kind: oneOf(NOTICE_KINDS).optional(),
});
export type NoticeQuery = z.infer<typeof NoticeQuery>;

export const DismissNotice = z
  .strictObject({
    until: instantInput.optional().describe('Snoozes the notice until this time, when it opens again'),
  })
  .optional()
  .meta({ id: 'DismissNotice' });
export type DismissNotice = z.infer<typeof DismissNotice>;
