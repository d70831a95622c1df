/** Schemas of backups. Runs in browsers and on the server. */

import { z } from 'zod';
import { auditParty, id, idOrSlug, oneOf, timestamps } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { pagingFields } from './paging.ts';
import { BACKUP_KINDS, VERIFICATION_METHODS, WORK_STATUSES } from './platform-vocabulary.ts';

const outcome = {
  status: z.enum(WORK_STATUSES),
  error: z.string().nullable(),
  createdBy: auditParty,
  createdAt: nullableInstant,
  startedAt: nullableInstant,
  finishedAt: nullableInstant,
};
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
        ...outcome,
        appId: id.describe('The app into which the backup was restored'),
        serverId: id
          .nullable()
          .describe('The server on which the backup was restored; null for the server of that app'),
      })
      .nullable(),
    verifiedAt: nullableInstant.describe('When the last successful verification ended'),
    lastVerification: z
      .object({
        ...outcome,
        method: z
          .enum(VERIFICATION_METHODS)
          .nullable()
          .describe(
            '`stored`: the stored data was decrypted and its SHA-256 matches. `unpacked`: the data was also unpacked on the server of the app and, if the server has GNU tar, each file was compared. `command`: the verification command accepted the data',
          ),
      })
      .nullable(),
    ...timestamps,
  })
  .meta({ id: 'Backup' });
export type Backup = z.infer<typeof Backup>;
export const BackupKey = z
  .object({ id, createdAt: instant.describe('Backups that start after this time are encrypted with the key') })
  .meta({ id: 'BackupKey', title: 'A key that encrypts backups, without its value' });
export type BackupKey = z.infer<typeof BackupKey>;
export const RestoreBackup = z
  .strictObject({
    app: idOrSlug.optional().describe("ID or slug of the app to restore into; defaults to the backup's app"),
    server: idOrSlug
      .optional()
      .describe('ID or slug of the server to restore on; defaults to the server of the app to restore into'),
  })
  .meta({ id: 'RestoreBackup' });
export type RestoreBackup = z.infer<typeof RestoreBackup>;
export const CreateBackup = z.strictObject({}).meta({ id: 'CreateBackup' });
export const BackupQuery = z.strictObject({
  ...pagingFields,
  status: oneOf(WORK_STATUSES).optional(),
});
export type BackupQuery = z.infer<typeof BackupQuery>;
