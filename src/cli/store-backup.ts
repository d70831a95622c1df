import { createBackup } from '../server/backup.ts';
import { restore } from '../server/restore.ts';
import { rotateSecret } from '../server/secret-rotation.ts';
import { readSettings } from '../server/settings.ts';
import { print, printJson, printNote } from './output.ts';
import { startProgress } from './progress.ts';
import { reportTableProgress } from './store-copy.ts';

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Backs the store up that the settings name, while it is served. */
export async function backUpStore(folder: string, options: { withoutSecret?: true; json?: true }): Promise<void> {
  const settings = readSettings(process.env);
  const progress = startProgress('Backing up', options.json);
  const { manifest, secret } = await createBackup(
    settings,
    folder,
    options.withoutSecret !== true,
    reportTableProgress(progress),
  ).finally(progress.end);
  if (options.json === true) return printJson({ ...manifest, secret });
  await print(
    `${folder}: ${megabytes(manifest.bytes)}, of ${manifest.madeAt}; ${manifest.logEntries} entries of activity logs, whole\n`,
  );
  printNote(
    secret
      ? 'The secret is in it: whoever has this folder can read all that is sealed. Keep it as you keep the server.'
      : 'The secret is not in it. Keep DEVPILOT_SECRET apart from it: what is sealed can not be read without.',
  );
}

/** Restores a backup into the empty place that the settings name. */
export async function restoreStore(folder: string, options: { json?: true }): Promise<void> {
  const settings = readSettings(process.env);
  const progress = startProgress('Restoring', options.json);
  const restored = await restore(settings, folder, reportTableProgress(progress)).finally(progress.end);
  const { manifest, logEntries, unreadable } = restored;
  if (options.json === true) await printJson(restored);
  else await print(`Restored as of ${manifest.madeAt}; ${logEntries} entries of activity logs, whole\n`);
  if (unreadable > 0) {
    printNote(
      `${unreadable} sealed values can not be read with the secret that is set. Set the one they were sealed with.`,
    );
  }
  printNote('What was deleted or changed after that instant is accepted again as it was: delete it anew.');
}

/** Replaces the secret that seals what must be read back. */
export async function rotateStoreSecret(options: { newSecretFile?: string }): Promise<void> {
  const { values, secretFile } = await rotateSecret(readSettings(process.env), options.newSecretFile ?? null);
  await print(`${values} values are sealed under the new secret.\n`);
  printNote(
    secretFile === null
      ? 'Set DEVPILOT_SECRET to it before the next start, on every node.'
      : `It is in ${secretFile}. Backups made before need the old one, which is in them unless it was left out.`,
  );
}
