/** Schemas of backups (contract section 8). Runs in browsers and on the server. */

import { z } from 'zod';
import { id, timestamps } from './fields.ts';
import { nullableInstant } from './instant.ts';
import { pagingFields } from './paging.ts';
import { AUDIT_PARTY_KINDS, BACKUP_KINDS, WORK_STATUSES } from './vocabulary.ts';

const auditParty = z.object({
  kind: z.enum(AUDIT_PARTY_KINDS),
  id: z.string().nullable(),
  name: z.string().nullable(),
});

export const Backup = z
  .object({
    id,
    appId: id,
    kind: z
      .enum(BACKUP_KINDS)
      .describe('`directory`: a tar archive of `shared/`; `command`: the output of the backup command'),
    status: z.enum(WORK_STATUSES).describe('Status of the backup or, while it is being restored, of the restore'),
    sizeBytes: z.int().nullable(),
    sha256: z.string().nullable(),
    error: z.string().nullable(),
    createdBy: auditParty,
    startedAt: nullableInstant,
    finishedAt: nullableInstant,
    lastRestore: z
      .object({
        status: z.enum(WORK_STATUSES),
        error: z.string().nullable(),
        createdBy: auditParty,
        createdAt: nullableInstant,
        startedAt: nullableInstant,
        finishedAt: nullableInstant,
      })
      .nullable(),
    ...timestamps,
  })
  .meta({ id: 'Backup' });
export type Backup = z.infer<typeof Backup>;
export const CreateBackup = z.strictObject({}).meta({ id: 'CreateBackup' });
export const BackupQuery = z.strictObject({
  ...pagingFields,
  status: z.enum(WORK_STATUSES, { error: `must be one of: ${WORK_STATUSES.join(', ')}` }).optional(),
});
export type BackupQuery = z.infer<typeof BackupQuery>;
