import { secretFromSettings } from '../server/open-store.ts';
import { readSettings } from '../server/settings.ts';
import { copyStore, parseStoreLocation } from '../server/transfer.ts';
import type { OnProgress } from '../store/copy.ts';
import { print, printJson, printNote } from './output.ts';
import { type ProgressIndicator, startProgress } from './progress.ts';

/** Returns a callback that shows the progress of each table on a terminal. */
export function reportTableProgress(progress: ProgressIndicator): OnProgress {
  return (table, rows, total) =>
    progress.update(`${table}: ${rows.toLocaleString('en')} of ${total.toLocaleString('en')}`);
}

/** Copies all data of an installation into an empty database. */
export async function runStoreCopy(options: { from: string; to: string; json: true | undefined }): Promise<void> {
  // Reads only the settings for the secret, because the options name the databases.
  const { DEVPILOT_SECRET, DEVPILOT_SECRET_FILE } = process.env;
  const secret = secretFromSettings(readSettings({ DEVPILOT_SECRET, DEVPILOT_SECRET_FILE }));
  const progress = startProgress('Copying …', options.json);
  const { copied, logEntries } = await copyStore(
    parseStoreLocation(options.from),
    parseStoreLocation(options.to),
    secret,
    reportTableProgress(progress),
  ).finally(progress.end);
  const tables = [...copied].map(([table, { rows }]) => ({ table, rows }));
  if (options.json === true) return printJson({ tables, logEntries });
  for (const { table, rows } of tables) if (rows > 0) await print(`${table}: ${rows.toLocaleString('en')}\n`);
  await print(`Copy verified; ${logEntries} activity log entries are intact\n`);
  printNote(
    'Start the server with the same DEVPILOT_SECRET. Unless you set your own, it is in the file `secret` of the data directory that the server has used until now.',
  );
}
