import { z } from 'zod';
import { AUDIT_ACTIONS } from './event-names.ts';
import { auditParty, id, oneOf, searchText } from './fields.ts';
import { instant } from './instant.ts';
import { instantFilter, pagingFields } from './paging.ts';
import { CREDENTIAL_KINDS } from './vocabulary.ts';

export const AuditEvent = z
  .object({
    id,
    sequence: z.int().describe('Number of the entry in the log of the workspace'),
    action: z.enum(AUDIT_ACTIONS),
    at: instant,
    actor: auditParty,
    target: auditParty.nullable(),
    credential: z
      .object({ id, kind: z.enum(CREDENTIAL_KINDS), name: z.string() })
      .nullable()
      .describe(
        'The credential, if one is the actor or the target. The entry keeps it after the credential is deleted',
      ),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    detail: z
      .record(z.string(), z.unknown())
      .describe(
        'Depends on the action: `before` and `after` for an edit, `reason` and `count` for a denial. Never a secret',
      ),
    previousHash: z.string().describe('Hash of the previous entry'),
    hash: z.string().describe('Hash of this entry and of `previousHash`'),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEvent = z.infer<typeof AuditEvent>;

export const AuditQuery = z.strictObject({
  ...pagingFields,
  action: oneOf(AUDIT_ACTIONS).optional(),
  actor: searchText(64).optional().describe('ID of the actor: a person or a credential'),
  target: searchText(64).optional().describe('ID of the target'),
  credential: searchText(64).optional().describe('ID of a credential that is the actor or the target'),
  from: instantFilter.describe('At or after this time'),
  to: instantFilter.describe('Before this time'),
});
export type AuditQuery = z.infer<typeof AuditQuery>;
