import { randomUUID } from 'node:crypto';
import type { Backup } from '../contract/backups.ts';
import type { WorkStatus } from '../contract/words.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { cancelled, confirm, isInteractive, readCount } from './input.ts';
import { type Column, note, plain, printJson, printList, printOne, showInstant, taken } from './output.ts';
import { endAs, type WatchOptions, watch } from './watch.ts';

const nameOf = ({ name, id, kind }: Backup['createdBy']) => name ?? id ?? kind;

const COLUMNS: readonly Column<Backup>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'BYTES', of: ({ sizeBytes }) => sizeBytes },
  { title: 'BY', of: ({ createdBy }) => nameOf(createdBy) },
  { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  { title: 'RESTORED', of: ({ lastRestore }) => lastRestore?.status ?? null },
];

const FACTS: readonly Column<Backup>[] = [
  { title: 'Id', of: ({ id }) => id },
  { title: 'App', of: ({ appId }) => appId },
  { title: 'Kind', of: ({ kind }) => kind },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Error', of: ({ error }) => error },
  { title: 'Bytes', of: ({ sizeBytes }) => sizeBytes },
  { title: 'SHA-256', of: ({ sha256 }) => sha256 },
  { title: 'Created', of: ({ createdAt, createdBy }) => `${createdAt} by ${nameOf(createdBy)}` },
  { title: 'Finished', of: ({ finishedAt }) => finishedAt },
  {
    title: 'Last restore',
    of: ({ lastRestore }) =>
      lastRestore === null
        ? null
        : `${lastRestore.status} ${lastRestore.finishedAt ?? ''} ${lastRestore.error ?? ''}`.trim(),
  },
];

export interface BackupListOptions extends Common {
  readonly status?: string;
  readonly limit: string;
}

/** Lists the backups of an app, newest first. */
export async function listBackups(app: string, options: BackupListOptions): Promise<void> {
  const all = connect(options)
    .backups.of(app)
    .all({ status: options.status as WorkStatus | undefined });
  await printList(await taken(all, readCount('--limit', options.limit) ?? 50), COLUMNS, options);
}

export async function showBackup(id: string, options: Common): Promise<void> {
  await printOne(await connect(options).backups.get(id), FACTS, options);
}

/** Makes a backup of an app; with `--wait` it ends as that does. */
export async function createBackup(app: string, options: Common & WatchOptions): Promise<void> {
  const { backups } = connect(options);
  const begun = await backups.create(app, { idempotencyKey: randomUUID() });
  const name = `Backup ${begun.id}`;
  if (options.wait !== true) {
    note(`${name} is begun. To see what becomes of it: devpilot backups show ${begun.id}`, options);
    return printOne(begun, FACTS, options);
  }
  const later = `devpilot backups show ${begun.id}`;
  const over = await watch({ name, later, get: () => backups.get(begun.id) }, options);
  if (options.json === true) await printJson(over);
  endAs(name, over);
  if (options.json !== true) await printOne(over, FACTS, options);
}

/** Asks for the word that stands for what is about to be replaced; without a terminal only `--yes` answers. */
async function confirmByName(word: string, question: string, yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!isInteractive()) throw new Failure(`${question} Without a terminal this needs --yes.`);
  const prompts = await import('@clack/prompts');
  const answer = await prompts.text({ message: `${question} Type ${plain(word)} to go on`, output: process.stderr });
  if (answer !== word) throw cancelled();
}

export interface RestoreOptions extends Common, WatchOptions {
  readonly yes?: true;
  /** Begin it and do not wait. */
  readonly detach?: true;
}

/** Puts a backup in the place of what is there, and stays until that is over. */
export async function restoreBackup(id: string, options: RestoreOptions): Promise<void> {
  const client = connect(options);
  const backup = await client.backups.get(id);
  const app = await client.apps.get(backup.appId).then(
    ({ slug }) => slug,
    // A credential for backups need not be one that reads apps.
    () => backup.appId,
  );
  const question = `Restore ${app} to ${backup.createdAt}? What it holds now is replaced.`;
  await confirmByName(app, question, options.yes);
  const begun = await client.backups.restore(id, { idempotencyKey: randomUUID() });
  const name = `Restoring ${id}`;
  if (options.detach === true) {
    note(`${name} is begun. To see what becomes of it: devpilot backups show ${id}`, options);
    return options.json === true ? printJson(begun) : undefined;
  }
  const began = begun.lastRestore?.createdAt;
  const over = await watch(
    {
      name,
      later: `devpilot backups show ${id}`,
      get: () => client.backups.get(id),
      isOver: ({ lastRestore }) => lastRestore?.createdAt !== began || (lastRestore?.finishedAt ?? null) !== null,
    },
    options,
  );
  if (options.json === true) await printJson(over);
  endAs(name, over.lastRestore ?? { status: 'failed', error: null });
  note(`${app} is what it was at ${backup.createdAt}.`, options);
}

/** Deletes backups and what is stored of them. */
export async function deleteBackups(ids: readonly string[], options: Common & { yes?: true }): Promise<void> {
  const { backups } = connect(options);
  for (const id of ids) await backups.get(id);
  const list = ids.join(', ');
  await confirm(`Delete ${list}? Nothing can be restored from there any more.`, options.yes);
  for (const id of ids) await backups.delete(id);
  if (options.json === true) await printJson(ids.map((id) => ({ id, deleted: true })));
  else note(`Deleted ${list}.`, options);
}
