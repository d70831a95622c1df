import { randomUUID } from 'node:crypto';
import type { ErrorKey } from '../contract/errors.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { parseCount } from './input.ts';
import { type Column, printDetails, printList, sanitizeInline, takeFirst } from './output.ts';

const COLUMNS: readonly Column<ErrorKey>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'APP', getValue: ({ app }) => app },
  {
    title: 'ORIGINS',
    getValue: ({ allowedOrigins }) => (allowedOrigins.length === 0 ? 'any' : allowedOrigins.join(' ')),
  },
  { title: 'DSN', getValue: ({ dsn }) => dsn },
];

/** Lists error keys, newest first. */
export async function listErrorKeys(options: RemoteOptions & { readonly limit: string }): Promise<void> {
  const keys = connect(options).errors.keys.all();
  await printList(await takeFirst(keys, parseCount('--limit', options.limit)), COLUMNS, options);
}

export interface CreateErrorKeyOptions extends RemoteOptions {
  readonly name: string;
  readonly app: string | undefined;
  readonly origin: readonly string[] | undefined;
}

/** Creates an error key and prints its DSN. */
export async function createErrorKey({ name, app, origin, ...options }: CreateErrorKeyOptions): Promise<void> {
  const body = {
    name,
    ...(app !== undefined && { app }),
    ...(origin !== undefined && { allowedOrigins: [...origin] }),
  };
  const key = await connect(options).errors.keys.create(body, { idempotencyKey: randomUUID() });
  await printDetails(key, COLUMNS, options);
}

/** Deletes error keys. After this returns, no node accepts errors submitted with them. */
export async function deleteErrorKeys(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { keys } = connect(options).errors;
  const keysById = new Map((await Array.fromAsync(keys.all())).map((key) => [key.id, key]));
  const unknownId = ids.find((id) => !keysById.has(id));
  if (unknownId !== undefined) throw new Failure(`Error key ${sanitizeInline(unknownId)} not found.`);
  await deleteItems(
    {
      items: ids.flatMap((id) => keysById.get(id) ?? []),
      label: ({ name }) => name,
      question: (list) => `Delete ${list}? Errors submitted with a deleted key are rejected.`,
      note: (list) => `Deleted ${list}.`,
      delete: (id) => keys.delete(id),
    },
    options,
  );
}
