import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Backup } from '../contract/backups.ts';
import type { VerificationMethod, WorkStatus } from '../contract/platform-vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { streamToPrivateFile } from './files.ts';
import { cancelledFailure, confirm, isInteractive, parseCount } from './input.ts';
import { requireCompleted, type WatchOptions, waitForOperation } from './operation.ts';
import {
  type Column,
  formatInstant,
  partyName,
  printDetails,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';

const COLUMNS: readonly Column<Backup>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'KIND', getValue: ({ kind }) => kind },
  { title: 'STATUS', getValue: ({ status }) => status },
  { title: 'BYTES', getValue: ({ sizeBytes }) => sizeBytes },
  { title: 'BY', getValue: ({ createdBy }) => partyName(createdBy) },
  { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  { title: 'VERIFIED', getValue: ({ verifiedAt }) => formatInstant(verifiedAt, 'never') },
  { title: 'LAST RESTORE', getValue: ({ lastRestore }) => lastRestore?.status ?? null },
];

const describeOutcome = (
  outcome: Pick<NonNullable<Backup['lastRestore']>, 'status' | 'finishedAt' | 'error'> | null,
) => (outcome === null ? null : `${outcome.status} ${outcome.finishedAt ?? ''} ${outcome.error ?? ''}`.trim());

const BACKUP_DETAILS: readonly Column<Backup>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'App', getValue: ({ appId }) => appId },
  { title: 'Kind', getValue: ({ kind }) => kind },
  { title: 'Status', getValue: ({ status }) => status },
  { title: 'Error', getValue: ({ error }) => error },
  { title: 'Bytes', getValue: ({ sizeBytes }) => sizeBytes },
  { title: 'SHA-256', getValue: ({ sha256 }) => sha256 },
  { title: 'Created', getValue: ({ createdAt, createdBy }) => `${createdAt} by ${partyName(createdBy)}` },
  { title: 'Finished', getValue: ({ finishedAt }) => finishedAt },
  { title: 'Last restore', getValue: ({ lastRestore }) => describeOutcome(lastRestore) },
  { title: 'Verified', getValue: ({ verifiedAt }) => verifiedAt },
  { title: 'Last verification', getValue: ({ lastVerification }) => describeOutcome(lastVerification) },
];

export interface BackupListOptions extends RemoteOptions {
  readonly status: string | undefined;
  readonly limit: string;
}

/** Lists the backups of an app, newest first. */
export async function listBackups(app: string, options: BackupListOptions): Promise<void> {
  const backups = connect(options)
    .backups.of(app)
    .all({ status: options.status as WorkStatus | undefined });
  await printList(await takeFirst(backups, parseCount('--limit', options.limit)), COLUMNS, options);
}

export async function showBackup(id: string, options: RemoteOptions): Promise<void> {
  await printDetails(await connect(options).backups.get(id), BACKUP_DETAILS, options);
}

/** Creates a backup of an app. With `--wait`, the exit code reports its result. */
export async function createBackup(app: string, options: RemoteOptions & Pick<WatchOptions, 'wait'>): Promise<void> {
  const { backups } = connect(options);
  const created = await backups.create(app, { idempotencyKey: randomUUID() });
  const name = `Backup ${created.id}`;
  const followUpCommand = `devpilot backups show ${created.id}`;
  if (options.wait !== true) {
    printNote(`${name} created. Check its status with: ${followUpCommand}`, options);
    return printDetails(created, BACKUP_DETAILS, options);
  }
  const finished = await waitForOperation({ name, followUpCommand, get: () => backups.get(created.id) }, options);
  if (options.json === true) await printJson(finished);
  requireCompleted(name, finished);
  if (options.json !== true) await printDetails(finished, BACKUP_DETAILS, options);
}

/**
 * Asks the user to type the slug or ID of the app whose data will be replaced. Without a terminal, `--yes` is required.
 */
async function confirmByTyping(slugOrId: string, question: string, yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!isInteractive()) throw new Failure(`${question} Without a terminal, --yes is required.`);
  const prompts = await import('@clack/prompts');
  const answer = await prompts.text({
    message: `${question} Type ${sanitizeInline(slugOrId)} to continue`,
    output: process.stderr,
  });
  if (answer !== slugOrId) throw cancelledFailure();
}

export interface RestoreOptions extends RemoteOptions {
  readonly yes: true | undefined;
  /** App to restore into; by default, the app of the backup. */
  readonly app: string | undefined;
  /** Server to restore on; by default, the server of the app. */
  readonly server: string | undefined;
  /** Request the restore without waiting for it. */
  readonly detach: true | undefined;
}

/**
 * Restores an app from a backup, replacing its current data. Without `--detach`, waits for the restore to finish.
 */
export async function restoreBackup(id: string, options: RestoreOptions): Promise<void> {
  const client = connect(options);
  const backup = await client.backups.get(id);
  const appId = options.app ?? backup.appId;
  const appLabel = await client.apps.get(appId).then(
    ({ slug }) => slug,
    // A credential that may restore backups is not necessarily allowed to read apps.
    () => appId,
  );
  const targetLabel = options.server === undefined ? appLabel : `${appLabel} on the server ${options.server}`;
  const question = `Restore ${targetLabel} to the state of ${backup.createdAt}? Its current data will be replaced.`;
  await confirmByTyping(appLabel, question, options.yes);
  const target = {
    ...(options.app !== undefined && { app: options.app }),
    ...(options.server !== undefined && { server: options.server }),
  };
  const requested = await client.backups.restore(id, { idempotencyKey: randomUUID() }, target);
  const name = `Restore of ${id}`;
  const followUpCommand = `devpilot backups show ${id}`;
  if (options.detach === true) {
    printNote(`${name} requested. Check its status with: ${followUpCommand}`, options);
    return options.json === true ? printJson(requested) : undefined;
  }
  const restoreCreatedAt = requested.lastRestore?.createdAt;
  const finished = await waitForOperation(
    {
      name,
      followUpCommand,
      get: () => client.backups.get(id),
      // If `lastRestore` is another restore, it was requested after this one had finished.
      isFinished: ({ lastRestore }) =>
        lastRestore?.createdAt !== restoreCreatedAt || (lastRestore?.finishedAt ?? null) !== null,
    },
    options,
  );
  if (options.json === true) await printJson(finished);
  requireCompleted(name, finished.lastRestore ?? { status: 'failed', error: null });
  printNote(`Restored ${targetLabel} to the state of ${backup.createdAt}.`, options);
}

const VERIFICATION_NOTES: Readonly<Record<VerificationMethod, (id: string) => string>> = {
  stored: (id) => `The stored data of ${id} is intact.`,
  unpacked: (id) => `${id} was unpacked on the server of the app and is intact.`,
  command: (id) => `The verification command accepted ${id}.`,
};

/** Verifies a backup. Without `--detach`, waits for the result. */
export async function verifyBackup(id: string, options: RemoteOptions & { detach: true | undefined }): Promise<void> {
  const { backups } = connect(options);
  const requested = await backups.verify(id, { idempotencyKey: randomUUID() });
  const name = `Verification of ${id}`;
  const followUpCommand = `devpilot backups show ${id}`;
  if (options.detach === true) {
    printNote(`${name} requested. Check its status with: ${followUpCommand}`, options);
    return options.json === true ? printJson(requested) : undefined;
  }
  const verificationCreatedAt = requested.lastVerification?.createdAt;
  const finished = await waitForOperation(
    {
      name,
      followUpCommand,
      get: () => backups.get(id),
      // If `lastVerification` is another verification, it was requested after this one had finished.
      isFinished: ({ lastVerification }) =>
        lastVerification?.createdAt !== verificationCreatedAt || (lastVerification?.finishedAt ?? null) !== null,
    },
    options,
  );
  if (options.json === true) await printJson(finished);
  requireCompleted(name, finished.lastVerification ?? { status: 'failed', error: null });
  printNote(VERIFICATION_NOTES[finished.lastVerification?.method ?? 'stored'](id), options);
}

/** Deletes backups and their stored data. */
export async function deleteBackups(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { backups } = connect(options);
  const items: Backup[] = [];
  for (const id of ids) items.push(await backups.get(id));
  await deleteItems(
    {
      items,
      question: (list) => `Delete ${list}? Deleted backups cannot be restored.`,
      note: (list) => `Deleted ${list}.`,
      delete: (id) => backups.delete(id),
    },
    options,
  );
}

/** Yields the chunks of the source, and fails at the end if their SHA-256 digest differs. */
async function* verifyDigest(source: AsyncIterable<Uint8Array>, sha256: string | null): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw new Failure('The download does not match the SHA-256 digest of the backup.');
}

/** Downloads the data of a backup to a file that only its owner can read, or to standard output. */
export async function downloadBackup(
  id: string,
  options: RemoteOptions & { readonly output: string | undefined },
): Promise<void> {
  const { backups } = connect(options);
  const { kind, sha256 } = await backups.get(id);
  const file = options.output ?? `${id}${kind === 'directory' ? '.tar.gz' : '.zst'}`;
  const source = Readable.from(verifyDigest(await backups.download(id), sha256), { objectMode: false });
  if (file === '-') return pipeline(source, process.stdout, { end: false });
  await streamToPrivateFile(file, source);
  if (options.json === true) return printJson({ id, file, sha256 });
  printNote(`Saved ${file}.`, options);
}

/** Replaces the key that encrypts new backups. */
export async function replaceBackupKey(options: RemoteOptions & { readonly yes: true | undefined }): Promise<void> {
  await confirm('Replace the key that encrypts new backups? Existing backups stay readable.', options.yes);
  const key = await connect(options).backups.replaceKey({ idempotencyKey: randomUUID() });
  if (options.json === true) await printJson(key);
  else printNote(`New backups are encrypted with the key ${key.id}.`, options);
}
