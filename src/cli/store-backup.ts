import { createBackup } from '../server/backup.ts';
import { restore } from '../server/restore.ts';
import { rotateSecret } from '../server/secret-rotation.ts';
import { readSettings } from '../server/settings.ts';
import { print, printJson, printNote } from './output.ts';
import { startProgress } from './progress.ts';
import { reportTableProgress } from './store-copy.ts';

const formatMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Backs up the configured installation; the server can keep running. */
export async function backUpStore(
  directory: string,
  options: { withoutSecret: true | undefined; json: true | undefined },
): Promise<void> {
  const settings = readSettings(process.env);
  const progress = startProgress('Backing up …', options.json);
  const { manifest, isSecretIncluded } = await createBackup(
    settings,
    directory,
    { withSecret: options.withoutSecret !== true },
    reportTableProgress(progress),
  ).finally(progress.end);
  if (options.json === true) return printJson({ ...manifest, secret: isSecretIncluded });
  await print(
    `Backed up to ${directory}: ${formatMegabytes(manifest.bytes)}, as of ${manifest.madeAt}; ${manifest.logEntries} activity log entries verified\n`,
  );
  printNote(
    isSecretIncluded
      ? 'The backup contains the secret: anyone with this directory can decrypt its encrypted values. Protect it like the server.'
      : 'The backup does not contain the secret (DEVPILOT_SECRET, or the file `secret` of the data directory). Store it separately: encrypted values cannot be decrypted without it.',
  );
}

/** Restores a backup into the configured data directory or database, which must be empty. */
export async function restoreStore(directory: string, options: { json: true | undefined }): Promise<void> {
  const settings = readSettings(process.env);
  const progress = startProgress('Restoring …', options.json);
  const restored = await restore(settings, directory, reportTableProgress(progress)).finally(progress.end);
  const { manifest, logEntries, unreadable } = restored;
  if (options.json === true) await printJson(restored);
  else await print(`Restored as of ${manifest.madeAt}; ${logEntries} activity log entries verified\n`);
  if (unreadable > 0) {
    printNote(
      `Encrypted values that cannot be decrypted with the configured secret: ${unreadable}. Set the original secret.`,
    );
  }
  printNote(
    `Credentials deleted or changed after ${manifest.madeAt} are valid again in their earlier state. Delete or change them again.`,
  );
}

/** Replaces the secret that encrypts stored values. */
export async function rotateStoreSecret(options: { newSecretFile: string | undefined }): Promise<void> {
  const { values, secretFile } = await rotateSecret(readSettings(process.env), options.newSecretFile ?? null);
  await print(`Re-encrypted ${values} ${values === 1 ? 'value' : 'values'} with the new secret.\n`);
  printNote(
    secretFile === null
      ? 'Set DEVPILOT_SECRET to the new secret on every node before the next start.'
      : `The new secret is in ${secretFile}. Earlier backups need the old secret, which they contain unless it was omitted.`,
  );
}
