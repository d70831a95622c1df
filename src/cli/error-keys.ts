import { randomUUID } from 'node:crypto';
import type { ErrorKey } from '../contract/errors.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, readCount } from './input.ts';
import { type Column, note, plain, printJson, printList, printOne, taken } from './output.ts';

const COLUMNS: readonly Column<ErrorKey>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'NAME', of: ({ name }) => name },
  { title: 'APP', of: ({ app }) => app },
  { title: 'ORIGINS', of: ({ allowedOrigins }) => (allowedOrigins.length === 0 ? 'any' : allowedOrigins.join(' ')) },
  { title: 'DSN', of: ({ dsn }) => dsn },
];

/** Lists error keys, the newest first. */
export async function listKeys(options: Common & { readonly limit: string }): Promise<void> {
  const all = connect(options).errors.keys.all();
  await printList(await taken(all, readCount('--limit', options.limit) ?? 50), COLUMNS, options);
}

export interface CreateErrorKeyOptions extends Common {
  readonly name: string;
  readonly app?: string;
  readonly origin?: readonly string[];
}

/** Creates an error key and shows its DSN. */
export async function createKey({ name, app, origin, ...options }: CreateErrorKeyOptions): Promise<void> {
  const body = {
    name,
    ...(app !== undefined && { app }),
    ...(origin !== undefined && { allowedOrigins: [...origin] }),
  };
  const key = await connect(options).errors.keys.create(body, { idempotencyKey: randomUUID() });
  await printOne(key, COLUMNS, options);
}

/** Deletes error keys; no node takes errors with them from then on. */
export async function deleteKeys(ids: readonly string[], options: Common & { yes?: true }): Promise<void> {
  const { keys } = connect(options).errors;
  const there = new Map((await Array.fromAsync(keys.all())).map((key) => [key.id, key]));
  const found = ids.map((id) => there.get(id) ?? null);
  if (found.includes(null)) throw new Failure(`There is no error key ${plain(ids[found.indexOf(null)] ?? '')}.`);
  const list = found.flatMap((key) => (key === null ? [] : [`${plain(key.name)} (${key.id})`])).join(', ');
  await confirm(`Delete ${list}? Errors reported with it are refused.`, options.yes);
  for (const id of ids) await keys.delete(id);
  if (options.json === true) await printJson(ids.map((id) => ({ id, deleted: true })));
  else note(`Deleted ${list}.`, options);
}
