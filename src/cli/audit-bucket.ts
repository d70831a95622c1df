import { openBucket } from '../server/backup-storages.ts';
import { readSettings } from '../server/settings.ts';
import { Failure } from './failure.ts';

/** Writes an object to the bucket in `DEVPILOT_BACKUP_BUCKET`. The object becomes visible only when it is complete. */
export async function writeToBucket(name: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const bucket = openBucket(readSettings(process.env));
  if (bucket === null) throw new Failure('Set DEVPILOT_BACKUP_BUCKET and its access key in the environment.');
  if (!/^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*$/.test(name)) {
    throw new Failure('--to-bucket must be the name of an object, such as audit/2026-11.ndjson.');
  }
  // Upload IDs are not recorded: if an upload is interrupted, only a lifecycle rule of the bucket (recommended in
  // operations.md) removes its parts.
  const onUpload = () => Promise.resolve();
  // `bucket.name` is the prefix of every location in the bucket.
  await bucket.write(`${bucket.name}${name}`, source, onUpload, new AbortController().signal);
}
